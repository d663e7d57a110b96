package platform

import (
	"errors"
	"fmt"
	"net/http"

	"exposync/internal/fault"
	"exposync/internal/rest"
)

// errMissing is a 404. What is missing, only the caller knows.
var errMissing = errors.New("platform: not found")

// Asked is what a run has to be of. Zero means any.
type Asked struct{ Job, Project int64 }

// Check says why a run proves nothing: it is not of what was asked for, has
// not ended, or left nothing. Faults: dbt_cloud_wrong_run,
// dbt_cloud_run_unfinished, dbt_cloud_no_artifacts.
func (c *Client) Check(r *Run, asked Asked) error {
	for _, of := range []struct {
		what      string
		is, asked int64
	}{{"account", r.Account, c.cfg.Account}, {"project", r.Project, asked.Project}, {"job", r.Job, asked.Job}} {
		if of.asked != 0 && of.is != of.asked {
			return c.fault("dbt_cloud_wrong_run", "run %d is of %s %d, not %d", r.ID, of.what, of.is, of.asked)
		}
	}
	switch {
	case !r.Ended():
		return c.fault("dbt_cloud_run_unfinished", "run %d has not ended: %s", r.ID, r.Status)
	case r.Saved == SavedNo:
		return c.fault("dbt_cloud_no_artifacts", "dbt platform saved no artifacts of run %d (%s)", r.ID, r.Status)
	case len(r.Steps) == 0:
		return c.fault("dbt_cloud_no_artifacts", "run %d has no steps (%s)", r.ID, r.Status)
	}
	return nil
}

// Missing is the fault of a step that has to have an artifact, and has none.
func (c *Client) Missing(r *Run, s Step, file File) error {
	return c.fault("dbt_cloud_artifact_missing", "run %d: %s ended with %s, but its %s is not there", r.ID, s, s.Status, file)
}

// NoManifest is the fault of a run none of whose steps has a manifest.
func (c *Client) NoManifest(r *Run) error {
	return c.fault("dbt_cloud_no_artifacts", "no step of run %d has a manifest.json (%s)", r.ID, r.Status)
}

// NothingBuilt is the fault of a run that has no results.
func (c *Client) NothingBuilt(r *Run) error {
	return c.fault("dbt_cloud_no_artifacts", "no step of run %d built or tested anything (%s)", r.ID, r.Status)
}

// hint is the next step of a fault.
func hint(code string) string {
	switch code {
	case "dbt_cloud_run_unfinished":
		return "wait for its end, then type the command again"
	case "dbt_cloud_wrong_run":
		return "name a run of this job, or its job: --job ID"
	case "dbt_cloud_run_missing":
		return "check the number, or ask for --dbt-cloud-run latest"
	case "dbt_cloud_no_run":
		return "check --job ID, or name a run: --dbt-cloud-run ID"
	case "dbt_cloud_artifact_missing":
		return "type the command again in a minute; else run the job again in dbt platform"
	case "dbt_cloud_no_artifacts":
		return "look at the run in dbt platform, and run the job again"
	case "dbt_cloud_auth":
		return "renew the service token that dbt_cloud.token refers to"
	case "dbt_cloud_denied":
		return "give the service token the permission set Job Viewer for the project"
	}
	return "correct dbt_cloud.host in exposync.yml: the access URL of the account"
}

func (c *Client) fault(code, format string, args ...any) error {
	f := &fault.Fault{Code: code, Kind: fault.Config, Whose: fault.Setup, Where: c.cfg.Where, Msg: fmt.Sprintf(format, args...), Hint: hint(code)}
	switch code {
	case "dbt_cloud_run_unfinished", "dbt_cloud_artifact_missing", "dbt_cloud_no_artifacts", "dbt_cloud_no_run":
		f.Kind, f.Whose = fault.Unavailable, fault.DBT
	}
	return f
}

// refused makes a fault of an answer that is no success; errMissing of a 404.
func (c *Client) refused(resp *rest.Response) error {
	const later = "type the command again later"
	switch {
	case resp.OK():
		return nil
	case resp.Status == http.StatusNotFound:
		return errMissing
	case resp.Status == http.StatusUnauthorized:
		return c.fault("dbt_cloud_auth", "%s does not accept the token", resp.Host)
	case resp.Status == http.StatusForbidden:
		return c.fault("dbt_cloud_denied", "%s: the token may not read runs of account %d", resp.Host, c.cfg.Account)
	}
	f := resp.Fault(c.cfg.Where)
	switch f.Code {
	case rest.CodeRedirect:
		f.Hint = "write the access URL of the account into dbt_cloud.host in exposync.yml"
	case rest.CodeRefused:
		f.Hint = "check host and account of dbt_cloud in exposync.yml"
	default:
		f.Whose, f.Hint = fault.DBT, later
	}
	return f
}

// failed makes a fault of a request that got no answer.
func (c *Client) failed(err error) error {
	broken := (*rest.Error)(nil)
	if !errors.As(err, &broken) {
		return err
	}
	f := broken.Fault(c.cfg.Where)
	switch broken.Code {
	case rest.CodeURL:
		f.Hint = "correct dbt_cloud.host in exposync.yml"
	case rest.CodeReply:
		f.Whose, f.Hint = fault.DBT, "name a smaller run, or lay the files down yourself: --artifacts DIR"
	case rest.CodeCertificate, rest.CodeUnkept, rest.CodeInterrupted:
	default:
		f.Hint = "check that dbt_cloud.host is right and can be reached from here, then type the command again"
	}
	return f
}
