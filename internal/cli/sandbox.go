package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"exposync/internal/fault"
	"exposync/internal/sandbox"
)

func newSandbox(a *app) *cobra.Command {
	dir, address, failing := "", "", ""
	settings := sandbox.Config{}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "start the local stand-in for destinations, and its page",
		Long: `Starts the store that targets written as "dev: sandbox" send to, and its page:
records with their history, and every request with its reply. It listens on this
machine only. A run starts it by itself for as long as it lasts; this command
keeps it open to look at.

--fault makes it fail as services do, in the words of the service that it stands
in for: FAULT[=RATE] with commas between.
  429                   too many requests        5xx           the service is down
  timeout-after-commit  written, answer lost     token-expiry  credential refused
  partial               some records refused     html-200      a page under 200
  duplicate-id          "one id twice" refused   quota         day's quota used up
  slow                  waits; slow=3s always
  hosted-SCENARIO       of hosted syncs: hosted-partial, … (see docs/sandbox.md)
A rate is a share of requests, of partial a share of records. Without one it is
20%, of partial 5%. The first request that writes is always among them, and the
same --seed makes the same requests fail.`,
		Example: "  exposync sandbox\n  exposync sandbox --fault 429=5%,partial,slow=3s --seed 7\n  exposync sandbox --dir .exposync/sandbox --address 127.0.0.1:8765",
		GroupID: "setup",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if settings.Rules, err = sandbox.ParseFaults(failing); err != nil {
				return usage("exposync sandbox --help lists the faults", "--fault: %s", err)
			}
			if dir == "" {
				s, err := a.look(cmd.Context())
				if err != nil {
					return err
				}
				dir = sandboxDir(s.dir)
				s.close()
			}
			settings.Dir = a.pathOf(dir)
			return a.serveSandbox(cmd.Context(), settings, address)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`DIR` of its data (default: .exposync/sandbox in the dbt project)")
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:8765", "`HOST:PORT` where it listens; port 0 takes a free one")
	cmd.Flags().StringVar(&failing, "fault", "", "fail on purpose: `FAULT[=RATE],…`")
	cmd.Flags().Uint64Var(&settings.Seed, "seed", 1, "`NUMBER` that decides which requests and records fail")
	cmd.Flags().BoolVar(&settings.Strict, "strict", false, "refuse fields that nobody declared, where the service has a schema")
	return cmd
}

func sandboxDir(project string) string { return filepath.Join(project, ".exposync", "sandbox") }

// runningSandbox is a sandbox in this process.
type runningSandbox struct {
	url, dir string
	close    func()
}

func (a *app) serveSandbox(ctx context.Context, settings sandbox.Config, address string) error {
	box, err := a.startSandbox(ctx, settings, address)
	if err != nil {
		return err
	}
	defer box.close()
	if err := a.printText(fmt.Sprintf("sandbox: %s  (data in %s; ^C ends it)\n", box.url, box.dir)); err != nil {
		return err
	}
	select {
	case <-a.env.Interrupts:
	case <-ctx.Done():
	}
	return nil
}

// startSandbox serves the data of a folder and leaves a note there, so that runs of
// other processes find it.
func (a *app) startSandbox(ctx context.Context, settings sandbox.Config, address string) (*runningSandbox, error) {
	dir := settings.Dir
	settings.Now = a.env.Now
	store, err := sandbox.Open(settings)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		_ = store.Close()
		return nil, &fault.Fault{
			Code: "sandbox_address", Kind: fault.Unavailable, Whose: fault.Setup, Where: address,
			Msg: "the sandbox cannot listen there", Hint: "exposync sandbox --address 127.0.0.1:0 takes a free port", Err: err,
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- store.Serve(ctx, listener) }()
	url := "http://" + listener.Addr().String()
	note := filepath.Join(dir, "address.json")
	if data, err := json.Marshal(sandboxNote{URL: url, Token: store.Token()}); err == nil {
		_ = replaceFile(note, data, 0o600)
	}
	return &runningSandbox{url: url, dir: dir, close: func() {
		_ = os.Remove(note)
		cancel()
		if err := <-ended; err != nil {
			a.say("the sandbox ended with: %v", err)
		}
		_ = store.Close()
	}}, nil
}

// sandboxNote says where a running sandbox listens. The token tells it from
// whatever else may listen there later.
type sandboxNote struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// sandbox gives the address of the project's sandbox: one that is up, or one
// that lives as long as this run.
func (s *session) sandbox(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sandboxURL != "" {
		return s.sandboxURL, nil
	}
	dir := sandboxDir(s.dir)
	if url := findSandbox(ctx, dir); url != "" {
		s.sandboxURL = url
		return url, nil
	}
	box, err := s.a.startSandbox(ctx, sandbox.Config{Dir: dir}, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s.closers = append(s.closers, box.close)
	s.sandboxURL = box.url
	s.a.say("target %s is a sandbox: exposync sandbox shows what arrived", s.target)
	return box.url, nil
}

// findSandbox gives the address of a sandbox that is up and serves dir.
func findSandbox(ctx context.Context, dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "address.json"))
	var note sandboxNote
	if err != nil || json.Unmarshal(data, &note) != nil || !strings.HasPrefix(note.URL, "http://127.0.0.1:") {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, note.URL+"/healthz", nil)
	if err != nil {
		return ""
	}
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // one look at our own process, not at a destination
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), note.Token) {
		return ""
	}
	return note.URL
}
