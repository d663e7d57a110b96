package cli

import (
	"context"
	"database/sql"
	"net/http"
	"path/filepath"
	"time"
)

// The shop of the demo, for scripts.

func shopEnv() *Env { return &Env{Now: time.Now, NewID: newID} }

func UnpackShop(dir string) error {
	s, err := unpackShop(context.Background(), dir, shopEnv())
	if err != nil {
		return err
	}
	return s.db.Close()
}

func PlayBuild(dir, scenario string) error {
	s, err := reopenShop(dir)
	if err != nil {
		return err
	}
	defer func() { _ = s.db.Close() }()
	return s.build(context.Background(), scenario)
}

func ShopSQL(dir, statement string) error {
	s, err := reopenShop(dir)
	if err != nil {
		return err
	}
	defer func() { _ = s.db.Close() }()
	_, err = s.db.ExecContext(context.Background(), statement)
	return err
}

func reopenShop(dir string) (*shop, error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "shop.sqlite"))
	if err != nil {
		return nil, err
	}
	env := shopEnv()
	return &shop{dir: dir, now: env.Now, id: env.NewID, db: db}, nil
}

// Reseal gives a header of a saved plan the digest that belongs to it, as
// somebody who edits it might.
func Reseal(data []byte) (string, error) { return sealOf(data) }

// KeyParts reads a key from the command line.
var KeyParts = keyParts

// Word is a text as one word of a command.
var Word = word

// SandboxReaches says why a sandbox's connection does not reach an address;
// nil if it does.
func SandboxReaches(address string) error {
	s := &session{a: &app{env: &Env{Now: time.Now}}}
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err == nil {
		_, err = s.sandboxRest().Proxy(r)
	}
	return err
}
