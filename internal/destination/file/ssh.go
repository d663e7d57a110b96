package file

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"exposync/internal/fault"
)

// with connects, and ends the connection with fn or with ctx.
func (s *share) with(ctx context.Context, fn func(*sftp.Client) error) error {
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	client, err := sftp.NewClient(conn, sftp.UseConcurrentWrites(true))
	if err != nil {
		return fmt.Errorf("start SFTP: %w", err)
	}
	err = fn(client)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// errKey says that the server showed another key than the connection names.
var errKey = errors.New("the server's key is not the one that the connection names")

// dial connects to the server if it is the one that the connection names. A
// server may have keys of several kinds; it is asked for each kind until it
// shows one that is known.
func (s *share) dial(ctx context.Context) (*ssh.Client, error) {
	pin, err := s.sftp.pin()
	if err != nil {
		return nil, err
	}
	var last error
	for _, kinds := range pin.kinds() {
		shown := ""
		client, err := s.handshake(ctx, kinds, func(host string, remote net.Addr, key ssh.PublicKey) error {
			shown = key.Type() + " " + ssh.FingerprintSHA256(key)
			return pin.check(host, remote, key)
		})
		if err == nil {
			return client, nil
		}
		switch {
		case errors.Is(err, errKey):
			last = s.config.fault("host_key_changed", "the server at "+s.sftp.address()+" shows a key that the connection does not name: "+shown,
				"ask the server's people; only if they confirm the new key, write it into "+pin.where+" of the connection")
			continue
		case shown != "" && strings.Contains(err.Error(), "unable to authenticate"):
			return nil, &fault.Fault{
				Code: "destination_auth", Kind: fault.Config, Whose: fault.Destination, Where: "connection " + s.config.Name,
				Msg: "the SFTP server does not accept the credentials of " + s.sftp.User, Hint: "check user, password and private_key of the connection",
			}
		case last == nil || !strings.Contains(err.Error(), "no common algorithm"):
			last = fmt.Errorf("connect to %s: %w", s.sftp.address(), err)
		}
		if !strings.Contains(err.Error(), "no common algorithm") {
			return nil, last
		}
	}
	return nil, last
}

func (s *share) handshake(ctx context.Context, kinds []string, check ssh.HostKeyCallback) (*ssh.Client, error) {
	auth, err := s.sftp.auth()
	if err != nil {
		return nil, err
	}
	raw, err := (&net.Dialer{Timeout: dialing}).DialContext(ctx, "tcp", s.sftp.address())
	if err != nil {
		return nil, err
	}
	line := newPatient(raw)
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	config := &ssh.ClientConfig{
		User: s.sftp.User, Auth: auth, HostKeyCallback: check, HostKeyAlgorithms: kinds, Timeout: dialing, ClientVersion: "SSH-2.0-exposync",
	}
	conn, channels, requests, err := ssh.NewClientConn(line, s.sftp.address(), config)
	if err != nil {
		_ = line.Close()
		return nil, err
	}
	return ssh.NewClient(conn, channels, requests), nil
}

// patient is a connection that ends when the other side is silent for long.
type patient struct {
	net.Conn

	timer *time.Timer
}

func newPatient(c net.Conn) *patient {
	return &patient{Conn: c, timer: time.AfterFunc(silence, func() { _ = c.Close() })}
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 {
		p.timer.Reset(silence)
	}
	return n, err
}

func (p *patient) Close() error {
	p.timer.Stop()
	return p.Conn.Close()
}

// auth is how the user proves itself.
func (s SFTP) auth() ([]ssh.AuthMethod, error) {
	var out []ssh.AuthMethod
	if s.PrivateKey != "" {
		var signer ssh.Signer
		var err error
		key := []byte(strings.TrimSpace(s.PrivateKey) + "\n")
		if s.Passphrase != "" {
			signer, err = ssh.ParsePrivateKeyWithPassphrase(key, []byte(s.Passphrase))
		} else {
			signer, err = ssh.ParsePrivateKey(key)
		}
		if err != nil { // its text may hold parts of the key
			return nil, errors.New("private_key is no private key in PEM, or its passphrase is another one")
		}
		out = append(out, ssh.PublicKeys(signer))
	}
	if s.Password != "" {
		out = append(out, ssh.Password(s.Password), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			return slices.Repeat([]string{s.Password}, len(questions)), nil
		}))
	}
	return out, nil
}

// pin is the key by which the server is known.
type pin struct {
	where string // the parameter that names it
	check ssh.HostKeyCallback
	kind  string // of the key; empty where only its fingerprint is known
}

// kindsOfKeys are asked for one by one, the best first.
var kindsOfKeys = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

func (s SFTP) pin() (pin, error) {
	switch {
	case strings.HasPrefix(s.HostKey, "SHA256:"):
		return pin{where: "host_key", check: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if ssh.FingerprintSHA256(key) != s.HostKey {
				return errKey
			}
			return nil
		}}, nil
	case s.HostKey != "":
		want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.HostKey))
		if err != nil {
			return pin{}, errors.New("host_key is neither a fingerprint SHA256:… nor a public key")
		}
		return pin{where: "host_key", kind: want.Type(), check: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if string(key.Marshal()) != string(want.Marshal()) {
				return errKey
			}
			return nil
		}}, nil
	case s.KnownHosts == "":
		return pin{}, nil
	}
	known, err := knownhosts.New(s.KnownHosts)
	if err != nil {
		return pin{}, fmt.Errorf("known_hosts cannot be read: %w", err)
	}
	return pin{where: "known_hosts", check: func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := known(host, remote, key)
		if _, ok := errors.AsType[*knownhosts.KeyError](err); ok {
			return errKey
		}
		return err
	}}, nil
}

// kinds are the kinds of keys to ask the server for.
func (p pin) kinds() [][]string {
	if p.kind == "" {
		return kindsOfKeys
	}
	for _, k := range kindsOfKeys {
		if slices.Contains(k, p.kind) || p.kind == ssh.KeyAlgoRSA && k[0] == ssh.KeyAlgoRSASHA512 {
			return [][]string{k}
		}
	}
	return [][]string{{p.kind}}
}
