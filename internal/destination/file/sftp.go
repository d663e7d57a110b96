package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"exposync/internal/fault"
)

// SFTP is a folder of a server that speaks SFTP.
type SFTP struct {
	Host string
	Port int // 0 means 22
	User string
	// Password, or PrivateKey in PEM with its Passphrase if it has one.
	Password, PrivateKey, Passphrase string
	// HostKey is the server's public key, or its fingerprint SHA256:…;
	// KnownHosts the absolute path of a file of them. One is needed: whoever
	// answers instead of the server would get the records.
	HostKey, KnownHosts string
	Path                string // of the folder; a relative one begins at the user's home
}

const (
	sftpPort  = 22
	dialing   = 10 * time.Second
	silence   = 2 * time.Minute // after which a server is gone
	leftovers = 24 * time.Hour  // after which a partial file is nobody's
)

// share is a place of SFTP. A file is uploaded under a partial name and
// appears by a rename. A connection lives as long as one of its methods: a
// run may take longer than a server has patience.
type share struct {
	scratch

	config Config
	sftp   SFTP
}

// NewSFTP checks the configuration and connects to nobody. What is wrong with
// it is a list of faults with the codes "file_name", "setting_invalid",
// "param_missing" and "host_key_missing".
func NewSFTP(c Config, s SFTP) (*Files, error) {
	problems := c.check()
	if s.Port == 0 {
		s.Port = sftpPort
	}
	if s.Host == "" || s.User == "" || s.Path == "" {
		problems = append(problems, c.fault("param_missing", "the connection names no host, no user or no path", "add host, user and path to the connection"))
	}
	if s.HostKey == "" && s.KnownHosts == "" {
		problems = append(problems, c.fault("host_key_missing", "the connection does not say by which key the server is known, and no server is trusted unseen",
			"add host_key: SHA256:… (the server's people tell it), or known_hosts: with the path of such a file"))
	}
	if s.Password == "" && s.PrivateKey == "" {
		problems = append(problems, c.fault("param_missing", "the connection has neither password nor private_key", "add one of them to the connection"))
	}
	if _, err := s.auth(); err != nil {
		problems = append(problems, c.fault("setting_invalid", err.Error(), "correct private_key: and passphrase: of the connection"))
	}
	if _, err := s.pin(); err != nil {
		problems = append(problems, c.fault("setting_invalid", err.Error(), "write host_key: SHA256:… or host_key: ssh-ed25519 AAAA…"))
	}
	return &Files{config: c, place: &share{scratch: scratch{c.Temp}, config: c, sftp: s}}, problems.Err()
}

func (s SFTP) address() string {
	return net.JoinHostPort(strings.ToLower(s.Host), strconv.Itoa(s.Port))
}

// account is sftp://user@host:port and the folder's absolute path as the
// server tells it.
func (s *share) account(ctx context.Context) (string, error) {
	var folder string
	err := s.with(ctx, func(c *sftp.Client) (err error) {
		folder, err = c.RealPath(s.sftp.Path)
		return err
	})
	if err != nil {
		return "", s.unusable(err)
	}
	return "sftp://" + s.sftp.User + "@" + s.sftp.address() + folder, nil
}

func (s *share) ready(ctx context.Context, object string) error {
	err := s.with(ctx, func(c *sftp.Client) error {
		info, err := c.Stat(s.sftp.Path)
		if errors.Is(err, fs.ErrNotExist) { // made with the first file
			return nil
		}
		if err == nil && !info.IsDir() {
			return s.config.fault("file_dir", s.sftp.Path+" is a file, not a folder", "correct path: of the connection")
		}
		if err != nil {
			return err
		}
		s.sweep(c, object)
		return nil
	})
	if errors.Is(err, fs.ErrPermission) {
		return s.config.fault("file_dir", "this user may not look at "+s.sftp.Path, "correct path: of the connection, or the permissions of the folder")
	}
	if err != nil {
		return s.unusable(err)
	}
	return nil
}

// sweep removes what runs left that were killed while they sent.
func (s *share) sweep(c *sftp.Client, object string) {
	entries, err := c.ReadDir(s.sftp.Path)
	if err != nil {
		return
	}
	for _, e := range entries {
		if isPartial(object, e.Name()) && s.config.Now().Sub(e.ModTime()) > leftovers {
			_ = c.Remove(path.Join(s.sftp.Path, e.Name()))
		}
	}
}

func (s *share) names(ctx context.Context, prefix string, fn func(name string)) error {
	return s.with(ctx, func(c *sftp.Client) error {
		entries, err := c.ReadDir(s.sftp.Path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), prefix) {
				fn(e.Name())
			}
		}
		return err
	})
}

func (s *share) publish(ctx context.Context, f *os.File, name string) error {
	renaming := false
	err := s.with(ctx, func(c *sftp.Client) error {
		if _, err := c.Stat(s.sftp.Path); errors.Is(err, fs.ErrNotExist) {
			if err := c.MkdirAll(s.sftp.Path); err != nil {
				return fmt.Errorf("make the folder %s: %w", s.sftp.Path, err)
			}
		}
		temp := path.Join(s.sftp.Path, filepath.Base(f.Name()))
		if err := s.upload(c, f, temp); err != nil {
			_ = c.Remove(temp)
			return fmt.Errorf("write %s: %w", temp, err)
		}
		renaming = true
		if err := s.rename(c, temp, path.Join(s.sftp.Path, name)); err != nil {
			_ = c.Remove(temp)
			return fmt.Errorf("rename %s to %s: %w", temp, name, err)
		}
		return nil
	})
	if err != nil && !renaming {
		return refusal{err}
	}
	return err
}

func (s *share) upload(c *sftp.Client, f *os.File, temp string) error {
	body, err := content(f)
	if err != nil {
		return err
	}
	to, err := c.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	if _, err := to.ReadFrom(body); err != nil {
		return errors.Join(err, to.Close())
	}
	if _, ok := c.HasExtension("fsync@openssh.com"); ok {
		if err := to.Sync(); err != nil {
			return errors.Join(err, to.Close())
		}
	}
	if err := to.Close(); err != nil {
		return err
	}
	info, err := c.Stat(temp)
	if err == nil && info.Size() != body.Size() {
		err = fmt.Errorf("the server has %d of %d bytes", info.Size(), body.Size())
	}
	return err
}

// rename replaces a file of the same name, which has the same records, where
// the server can; else that file stays.
func (s *share) rename(c *sftp.Client, from, to string) error {
	if _, ok := c.HasExtension("posix-rename@openssh.com"); ok {
		return c.PosixRename(from, to)
	}
	err := c.Rename(from, to)
	if err == nil {
		return nil
	}
	if _, there := c.Stat(to); there == nil {
		return c.Remove(from)
	}
	return err
}

func (s *share) holds(ctx context.Context, name string, size int64) (there bool, err error) {
	err = s.with(ctx, func(c *sftp.Client) error {
		info, err := c.Stat(path.Join(s.sftp.Path, name))
		there = err == nil && info.Size() == size
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return there, err
}

// unusable explains why the server cannot be used at all.
func (s *share) unusable(err error) error {
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return f
	}
	return &fault.Fault{
		Code: "destination_unreachable", Kind: fault.Unavailable, Whose: fault.Network, Where: "connection " + s.config.Name,
		Msg: "no SFTP at " + s.sftp.address(), Err: err, Hint: "try the same with: sftp -P PORT USER@HOST",
	}
}
