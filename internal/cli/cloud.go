package cli

import (
	"context"
	"crypto/md5" //nolint:gosec // dbt's own id of a project
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/platform"
)

// latestRun is the word for the run of a job that ended last.
const latestRun = "latest"

// cloud adds --dbt-cloud-run and --job: a run of dbt platform as the origin of
// the artifacts.
func (a *app) cloud(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&a.flags.cloudRun, "dbt-cloud-run", "", "take the artifacts of a run of dbt platform: `ID|latest`")
	set.StringVar(&a.flags.cloudJob, "job", "", "`ID` of the job in dbt platform whose runs count (default: dbt_cloud.job)")
	a.before(cmd, a.checkCloud)
}

// noCloud makes the flags of cloud known to a command that runs dbt itself,
// and refuses them.
func (a *app) noCloud(cmd *cobra.Command) {
	a.cloud(cmd)
	for _, name := range []string{"dbt-cloud-run", "job"} {
		cmd.Flags().Lookup(name).Hidden = true
	}
	a.before(cmd, func() error {
		if a.flags.cloudRun != "" || a.flags.cloudJob != "" {
			return usage("exposync run --dbt-cloud-run latest",
				"%s runs dbt here: a run of dbt platform is answered by exposync run", cmd.Name())
		}
		return nil
	})
}

func (a *app) checkCloud() error {
	f := &a.flags
	if f.cloudRun == "" {
		if f.cloudJob != "" {
			return usage("exposync run --dbt-cloud-run latest --job "+f.cloudJob, "--job names a job of dbt platform: say which run of it with --dbt-cloud-run")
		}
		return nil
	}
	for _, other := range []struct {
		flag string
		set  bool
	}{{"--manifest", f.manifest != ""}, {"--run-results", len(f.runResults) > 0}, {"--artifacts", len(f.artifacts) > 0}} {
		if other.set {
			return usage("exposync gate --dbt-cloud-run "+f.cloudRun,
				"--dbt-cloud-run fetches the artifacts from dbt platform: %s, which names files here, does not go with it", other.flag)
		}
	}
	if f.cloudRun != latestRun && numberOf(f.cloudRun) == 0 {
		return usage("exposync gate --dbt-cloud-run latest", "--dbt-cloud-run %s: give the number of a run, or latest", f.cloudRun)
	}
	if f.cloudJob != "" && numberOf(f.cloudJob) == 0 {
		return usage("exposync gate --dbt-cloud-run latest --job ID", "--job %s: give the number of a job of dbt platform", f.cloudJob)
	}
	return nil
}

// numberOf reads a number above 0; 0 if it is none.
func numberOf(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// loadCloud takes the artifacts of a run of dbt platform. The manifest is that
// of the newest step that built or tested; the results of all such steps are
// evidence.
func (s *session) loadCloud(ctx context.Context) error {
	access, err := s.cloudAccess(ctx)
	if err != nil {
		return err
	}
	client := platform.New(platform.Config{
		Base: access.Base, Account: access.Account, Token: access.Token.Reveal(), Where: s.a.shown(s.config.DBTCloud.Where), Rest: s.restConfig(),
	})
	defer client.Close()
	runs, err := s.findRuns(ctx, client, access)
	if err != nil {
		return err
	}
	s.cloud = &cloudRun{Run: runs[len(runs)-1], client: client, files: map[string]string{}}
	var stores []*cloudStore
	for _, run := range runs {
		store, err := s.cloudStore(client, access, run)
		if err != nil {
			return err
		}
		stores = append(stores, store)
		s.cloud.add(run, store)
	}
	if err := s.cloud.load(ctx, s); err != nil {
		return err
	}
	if err := keepRuns(stores, s.a.env.Now()); err != nil {
		return err
	}
	s.a.say("%s", s.cloud.told(s.a.env.Now()))
	return s.sameProject(s.cloud.Run)
}

// cloudAccess is what exposync.yml says about dbt platform.
func (s *session) cloudAccess(ctx context.Context) (config.DBTCloudAccess, error) {
	if !s.config.DBTCloud.Set() {
		return config.DBTCloudAccess{}, &fault.Fault{
			Code: "dbt_cloud_not_set", Kind: fault.Config, Whose: fault.Setup, Where: s.a.shown(s.config.File),
			Msg:  "nothing says where dbt platform is",
			Hint: `add: dbt_cloud: {host: abc123.us1.dbt.com, account: 123, job: 456, token: "{{ env_var('DBT_CLOUD_TOKEN') }}"}`,
		}
	}
	access, err := s.config.DBTCloud.Access(ctx, s.a.resolver(s.dir))
	if err != nil {
		return access, s.a.located(fault.All(err)).Err()
	}
	if job := numberOf(s.a.flags.cloudJob); job != 0 {
		access.Job = job
	}
	return access, nil
}

// findRuns finds the run that was asked for, after those that it goes on with,
// and makes sure that they can prove something here.
func (s *session) findRuns(ctx context.Context, client *platform.Client, access config.DBTCloudAccess) ([]*platform.Run, error) {
	var run *platform.Run
	var err error
	switch id := numberOf(s.a.flags.cloudRun); {
	case id != 0:
		run, err = client.Run(ctx, id)
	case access.Job == 0:
		return nil, usage("exposync gate --dbt-cloud-run latest --job ID",
			"--dbt-cloud-run latest: the latest run of which job? Name it with --job, or as dbt_cloud.job in exposync.yml")
	default:
		run, err = client.Latest(ctx, access.Job)
	}
	if err != nil {
		return nil, err
	}
	asked := platform.Asked{Job: access.Job, Project: access.Project}
	if err := client.Check(run, asked); err != nil {
		return nil, err
	}
	earlier, err := client.Retried(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, r := range earlier {
		if err := client.Check(r, asked); err != nil {
			return nil, err
		}
	}
	return append(earlier, run), nil
}

// sameProject refuses artifacts of another dbt project than that of this
// folder.
func (s *session) sameProject(run *platform.Run) error {
	if s.file == nil || s.file.Name == s.project.Name {
		return nil
	}
	sum := md5.Sum([]byte(s.file.Name)) //nolint:gosec // dbt's own id of a project
	if s.project.Name == "" && (s.project.ID == "" || s.project.ID == hex.EncodeToString(sum[:])) {
		return nil
	}
	return &fault.Fault{
		Code: "dbt_cloud_wrong_project", Kind: fault.Config, Whose: fault.Setup, Where: s.a.shown(s.file.File),
		Msg:  fmt.Sprintf("run %d of dbt platform is of the dbt project %q, not of %q", run.ID, s.project.Name, s.file.Name),
		Hint: "go to the folder of that project, or name a run of this one: --dbt-cloud-run ID --job ID",
	}
}
