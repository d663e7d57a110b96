package mariatest_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"exposync/internal/mariatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mariatest.Around(m)) }

func TestServersOfTheirOwn(t *testing.T) {
	t.Parallel()
	a, b := mariatest.New(t), mariatest.New(t)
	if a.Port != b.Port || a.Name == b.Name {
		t.Errorf("New() = %v and %v, want one server and two databases", a, b)
	}
	s := mariatest.Start(t)
	c := s.New(t)
	if c.Port == a.Port || !listens(c.Port) {
		t.Fatalf("Start gave no server of its own: %v", c)
	}
	s.Kill()
	if listens(c.Port) || !listens(a.Port) {
		t.Errorf("after Kill: %d listens %v, %d %v", c.Port, listens(c.Port), a.Port, listens(a.Port))
	}
	s.Stop()
}

func listens(port int) bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
