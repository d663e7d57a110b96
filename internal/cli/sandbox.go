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
	dir, address := "", ""
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "start the local stand-in for destinations, and its page",
		Long: `Starts the store that targets written as "dev: sandbox" send to, and its page:
records with their history, and every request with its reply. It listens on this
machine only. A run starts it by itself for as long as it lasts; this command
keeps it open to look at.`,
		Example: "  exposync sandbox\n  exposync sandbox --dir .exposync/sandbox --address 127.0.0.1:8765",
		GroupID: "setup",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				s, err := a.look(cmd.Context())
				if err != nil {
					return err
				}
				dir = sandboxDir(s.dir)
				s.close()
			}
			return a.serveSandbox(cmd.Context(), a.pathOf(dir), address)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`DIR` of its data (default: .exposync/sandbox in the dbt project)")
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:8765", "`HOST:PORT` where it listens; port 0 takes a free one")
	return cmd
}

func sandboxDir(project string) string { return filepath.Join(project, ".exposync", "sandbox") }

// runningSandbox is a sandbox in this process.
type runningSandbox struct {
	url, dir string
	close    func()
}

func (a *app) serveSandbox(ctx context.Context, dir, address string) error {
	box, err := a.startSandbox(ctx, dir, address)
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

// startSandbox serves the data in dir and leaves a note there, so that runs of
// other processes find it.
func (a *app) startSandbox(ctx context.Context, dir, address string) (*runningSandbox, error) {
	store, err := sandbox.Open(sandbox.Config{Dir: dir, Now: a.env.Now})
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
	box, err := s.a.startSandbox(ctx, dir, "127.0.0.1:0")
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
