package file_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"exposync/internal/destination"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/destination/file"
	"exposync/internal/fault"
)

// drop is a real SSH server with SFTP in this process, on a folder.
type drop struct {
	t        *testing.T
	dir      string
	port     int
	keys     []ssh.Signer
	user     ssh.PublicKey // that may come in beside the password
	listener net.Listener
	group    sync.WaitGroup

	readonly atomic.Bool
	limit    atomic.Int64                   // bytes from the client after which the line is cut; 0 for none
	full     atomic.Bool                    // writes fail
	onRename atomic.Pointer[func(net.Conn)] // after a rename was done
}

func newDrop(t *testing.T) *drop {
	t.Helper()
	d := &drop{t: t, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(d.dir, "home/me"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []any{private, big} {
		signer, err := ssh.NewSignerFromKey(k)
		if err != nil {
			t.Fatal(err)
		}
		d.keys = append(d.keys, signer)
	}
	var listen net.ListenConfig
	if d.listener, err = listen.Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	d.port = d.listener.Addr().(*net.TCPAddr).Port
	d.group.Go(func() {
		for {
			conn, err := d.listener.Accept()
			if err != nil {
				return
			}
			d.group.Go(func() { d.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = d.listener.Close(); d.group.Wait() })
	return d
}

func (d *drop) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	config := &ssh.ServerConfig{
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != canary {
				return nil, errors.New("no")
			}
			return nil, nil
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if d.user == nil || string(key.Marshal()) != string(d.user.Marshal()) {
				return nil, errors.New("no")
			}
			return nil, nil
		},
	}
	for _, k := range d.keys {
		config.AddHostKey(k)
	}
	_, channels, requests, err := ssh.NewServerConn(&cutting{Conn: conn, drop: d}, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		h := &handlers{drop: d, conn: conn}
		server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}, sftp.WithStartDirectory("/home/me"))
		_ = server.Serve()
		_ = channel.Close()
	}
}

// cutting ends a connection after so many bytes.
type cutting struct {
	net.Conn

	drop *drop
	n    int64
}

func (c *cutting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.n += int64(n); c.drop.limit.Load() > 0 && c.n > c.drop.limit.Load() {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// handlers do on the folder what the client asks for.
type handlers struct {
	drop *drop
	conn net.Conn
}

func (h *handlers) path(p string) string { return filepath.Join(h.drop.dir, filepath.FromSlash(p)) }

func (h *handlers) Fileread(*sftp.Request) (io.ReaderAt, error) { return nil, os.ErrPermission }

func (h *handlers) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if h.drop.readonly.Load() {
		return nil, os.ErrPermission
	}
	f, err := os.OpenFile(h.path(r.Filepath), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return &disk{f, h.drop}, err
}

type disk struct {
	*os.File

	drop *drop
}

func (d *disk) WriteAt(b []byte, off int64) (int, error) {
	if d.drop.full.Load() {
		return 0, syscall.ENOSPC
	}
	return d.File.WriteAt(b, off)
}

func (h *handlers) Filecmd(r *sftp.Request) error {
	switch r.Method {
	case "Mkdir":
		return os.Mkdir(h.path(r.Filepath), 0o700)
	case "Remove":
		return os.Remove(h.path(r.Filepath))
	case "Setstat":
		return nil
	}
	return sftp.ErrSSHFxOpUnsupported
}

func (h *handlers) PosixRename(r *sftp.Request) error {
	err := os.Rename(h.path(r.Filepath), h.path(r.Target))
	if fn := h.drop.onRename.Swap(nil); fn != nil {
		(*fn)(h.conn)
	}
	return err
}

type list []os.FileInfo

func (l list) ListAt(to []os.FileInfo, off int64) (int, error) {
	if off >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[off:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handlers) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Method != "List" {
		info, err := os.Stat(h.path(r.Filepath))
		return list{info}, err
	}
	entries, err := os.ReadDir(h.path(r.Filepath))
	var out list
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	return out, err
}

func (d *drop) config() file.SFTP {
	return file.SFTP{Host: "127.0.0.1", Port: d.port, User: "me", Password: canary, HostKey: ssh.FingerprintSHA256(d.keys[0].PublicKey()), Path: "/out/deep"}
}

// files are all files of the folder, partial ones too.
func (d *drop) files() map[string][]byte {
	d.t.Helper()
	out := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(d.dir, "out/deep"))
	if err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(d.dir, "out/deep", e.Name())); err != nil {
			d.t.Fatal(err)
		}
	}
	return out
}

func TestConformanceSFTP(t *testing.T) {
	t.Parallel()
	for _, format := range []file.Format{file.NDJSON, file.Parquet} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, harness(format, func(t *testing.T) (*file.Files, func() map[string][]byte, error) {
				t.Helper()
				d := newDrop(t)
				files, err := file.NewSFTP(away(t, setup(t), format), d.config())
				return files, d.files, err
			}))
		})
	}
}

func TestSFTPAccidents(t *testing.T) {
	t.Parallel()
	long := put(text("1"), text(strings.Repeat("a", 1<<20)), null())
	for name, tt := range map[string]struct {
		wrong func(*drop)
		code  string // of the fault; empty: the file is there
	}{
		"permission denied": {func(d *drop) { d.readonly.Store(true) }, "file_write"},
		"disk full":         {func(d *drop) { d.full.Store(true) }, "file_write"},
		"cut in the middle": {func(d *drop) { d.limit.Store(1 << 19) }, "file_write"},
		"answer lost":       {func(d *drop) { fn := func(c net.Conn) { _ = c.Close() }; d.onRename.Store(&fn) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, b := newDrop(t), setup(t)
			files, err := file.NewSFTP(away(t, b, file.CSV), d.config())
			if err != nil {
				t.Fatal(err)
			}
			tt.wrong(d)
			err = send(t, files, long)
			if tt.code == "" && err != nil || tt.code != "" && (!fault.Is(err, tt.code) || fault.ExitCode(err) != 5) {
				t.Errorf("%v, want %s", err, tt.code)
			}
			for n := range d.files() {
				if complete := strings.HasSuffix(n, ".csv"); complete != (tt.code == "") && name != "cut in the middle" || complete && tt.code != "" {
					t.Errorf("there is %s", n)
				}
			}
			d.readonly.Store(false)
			d.full.Store(false)
			d.limit.Store(0)
			b.now = time.Now().Add(25 * time.Hour) // what was left behind is nobody's by now
			if err := send(t, files, long); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			if all := d.files(); len(all) != 1 {
				t.Errorf("%d files after another run", len(all))
			}
		})
	}
}

func TestSFTPKnowsItsServer(t *testing.T) {
	t.Parallel()
	d, other := newDrop(t), newDrop(t)
	folder := t.TempDir()
	known := func(name string, key ssh.PublicKey, port int) string {
		path := filepath.Join(folder, name)
		line := knownhosts.Line([]string{knownhosts.Normalize(net.JoinHostPort("127.0.0.1", itoa(port)))}, key)
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct {
		change func(*file.SFTP)
		code   string
	}{
		"fingerprint":              {func(*file.SFTP) {}, ""},
		"fingerprint of the other": {func(s *file.SFTP) { s.HostKey = ssh.FingerprintSHA256(d.keys[1].PublicKey()) }, ""},
		"public key": {func(s *file.SFTP) {
			s.HostKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(d.keys[1].PublicKey())))
		}, ""},
		"known_hosts": {func(s *file.SFTP) { s.HostKey, s.KnownHosts = "", known("a", d.keys[0].PublicKey(), d.port) }, ""},
		"known_hosts with its second key": {func(s *file.SFTP) {
			s.HostKey, s.KnownHosts = "", known("b", d.keys[1].PublicKey(), d.port)
		}, ""},
		"known_hosts without it": {func(s *file.SFTP) { s.HostKey, s.KnownHosts = "", known("c", d.keys[0].PublicKey(), 22) }, "host_key_changed"},
		"changed":                {func(s *file.SFTP) { s.HostKey = ssh.FingerprintSHA256(other.keys[0].PublicKey()) }, "host_key_changed"},
		"changed public key": {func(s *file.SFTP) {
			s.HostKey = string(ssh.MarshalAuthorizedKey(other.keys[0].PublicKey()))
		}, "host_key_changed"},
		"changed in known_hosts": {func(s *file.SFTP) {
			s.HostKey, s.KnownHosts = "", known("d", other.keys[0].PublicKey(), d.port)
		}, "host_key_changed"},
		"none":              {func(s *file.SFTP) { s.HostKey = "" }, "host_key_missing"},
		"no key":            {func(s *file.SFTP) { s.HostKey = "yes" }, "setting_invalid"},
		"no file":           {func(s *file.SFTP) { s.HostKey, s.KnownHosts = "", filepath.Join(folder, "none") }, "setting_invalid"},
		"no password":       {func(s *file.SFTP) { s.Password = "" }, "param_missing"},
		"no private key":    {func(s *file.SFTP) { s.PrivateKey = canary }, "setting_invalid"},
		"wrong password":    {func(s *file.SFTP) { s.Password = canary + "x" }, "destination_auth"},
		"nobody there":      {func(s *file.SFTP) { s.Port = 1 }, "destination_unreachable"},
		"a file for folder": {func(s *file.SFTP) { s.Path = "/occupied" }, "file_dir"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_ = os.WriteFile(filepath.Join(d.dir, "occupied"), nil, 0o600)
			cfg := d.config()
			tt.change(&cfg)
			files, err := file.NewSFTP(away(t, setup(t), file.CSV), cfg)
			if err == nil {
				_, err = files.Open(t.Context(), target(destination.Upsert))
			}
			if tt.code == "" && err != nil || tt.code != "" && !fault.Is(err, tt.code) {
				t.Errorf("%v, want %q", err, tt.code)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error says too much: %v", err)
			}
		})
	}
}

func TestSFTPByPrivateKey(t *testing.T) {
	t.Parallel()
	d := newDrop(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if d.user, err = ssh.NewPublicKey(public); err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("geheim"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := d.config()
	cfg.Password, cfg.PrivateKey, cfg.Passphrase, cfg.Path = "", string(pem.EncodeToMemory(block)), "geheim", "drop"
	files, err := file.NewSFTP(away(t, setup(t), file.CSV), cfg)
	if err != nil {
		t.Fatal(err)
	}
	account, err := files.Account(t.Context())
	if want := "sftp://me@127.0.0.1:" + itoa(d.port) + "/home/me/drop"; err != nil || account != want {
		t.Errorf("Account() = %q, %v, want %s", account, err, want)
	}
	if err := send(t, files, put(text("1"), text("a"), null())); err != nil {
		t.Error(err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
