package hostedtest

import (
	"strings"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/hosted"
)

// looks are what is known of a sync before it is triggered.
func looks() []check {
	return []check{
		{"a sync is looked at", nil, testLook},
		{"all syncs are listed", []string{Listing}, testListing},
		{"its own schedule is told (18)", []string{"schedule", Schedules}, testSchedule},
		{"that it is disabled is told (19)", []string{"disabled", Disables}, testDisabled},
		{"a sync that is not there (19)", []string{"missing"}, testMissing},
	}
}

func testLook(t *testing.T, b *bench) {
	s, err := b.Tool.Inspect(t.Context(), b.Sync)
	if err != nil || s.ID != b.Sync || s.Schedule != "" || s.Disabled != "" {
		t.Errorf("Inspect() = %+v, %v", s, err)
	}
	if a := b.Tool.Account(); a == "" || a != b.Tool.Account() || strings.ContainsAny(a, " \n") {
		t.Errorf("Account() = %q", a)
	}
}

func testListing(t *testing.T, b *bench) {
	want, err := b.Tool.Inspect(t.Context(), b.Sync)
	if err != nil {
		t.Fatal(err)
	}
	l, can := b.Tool.(hosted.Lister)
	if !can {
		t.Fatal("it cannot list, and does not say so")
	}
	for range 2 {
		list, err := l.List(t.Context())
		if err != nil || len(list) != 1 || list[0].ID != want.ID || list[0].Title != want.Title || list[0].Disabled != want.Disabled || list[0].Model != want.Model {
			t.Errorf("List() = %+v, %v; want %+v", list, err, want)
		}
	}
}

func testSchedule(t *testing.T, b *bench) {
	b.Play(t, "schedule")
	if s, err := b.Tool.Inspect(t.Context(), b.Sync); err != nil || s.Schedule == "" {
		t.Errorf("Inspect() = %+v, %v", s, err)
	}
}

func testDisabled(t *testing.T, b *bench) {
	b.Play(t, "disabled")
	if s, err := b.Tool.Inspect(t.Context(), b.Sync); err != nil || s.Disabled == "" {
		t.Errorf("Inspect() = %+v, %v", s, err)
	}
}

func testMissing(t *testing.T, b *bench) {
	b.Play(t, "missing")
	_, err := b.Tool.Inspect(t.Context(), b.Sync)
	if f := b.failure(t, err); f.Code != "hosted_missing" || f.Kind != fault.Config {
		t.Errorf("Inspect(): %v", err)
	}
	if got := b.refused(t); got.Fate != hosted.NotStarted {
		t.Errorf("fate %d: %v", got.Fate, got)
	}
}
