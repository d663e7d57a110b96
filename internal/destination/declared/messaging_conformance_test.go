package declared_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/record"
	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
)

func missing(reason string, abilities ...destinationtest.Ability) map[destinationtest.Ability]string {
	out := map[destinationtest.Ability]string{destinationtest.JSONNulls: "JSON has one null"}
	for _, a := range abilities {
		out[a] = reason
	}
	return out
}

// rename makes a change that the service refuses by the name in it.
func spoilName(ch *record.Change) { ch.Values[0] = text("spoilt value") }

// speakers are the services that send messages and hold audiences.
func speakers() []*speaker {
	return []*speaker{customerioSpeaker(), brazeSpeaker(), mixpanelSpeaker(), slackSpeaker(), metaSpeaker(), linkedinSpeaker()}
}

func customerioSpeaker() *speaker {
	return &speaker{
		kind: "customerio", key: "id", batch: "batch", stores: []string{"people"},
		objects: map[destination.Mode]string{destination.Upsert: "people", destination.Mirror: "people"},
		row: func(_ *speech, _ string, fields facade.Fields) destinationtest.Row {
			r := readFields("id", fields)
			if r["name"] == nil {
				r["name"] = new(string) // an empty text clears
			}
			if day := r["day"]; day != nil {
				n, _ := strconv.ParseInt(*day, 10, 64)
				r["day"] = new(time.Unix(n, 0).UTC().Format(time.DateOnly))
			}
			return r
		},
		spoil:   func(ch *record.Change) { ch.Values[0] = text(strings.Repeat("spoilt value ", 100)) },
		keeps:   []string{"name", "score", "amount", "active", "day", "doc"}, // unix seconds have no fraction
		longest: 1000,
		refuses: func(ch record.Change) bool { return len(ch.Values[0].Data) > 1000 },
		missing: missing("the service has no such mode, or is told not to", destinationtest.Updates, destinationtest.Inserts, destinationtest.Appends, destinationtest.KeepsNulls),
	}
}

func brazeSpeaker() *speaker {
	return &speaker{
		kind: "braze", key: "external_id", batch: "attributes", stores: []string{"users", "events"},
		objects: map[destination.Mode]string{destination.Upsert: "users", destination.Mirror: "users", destination.Append: "events/signup"},
		shape: func(mode destination.Mode, t *destination.Target) {
			if mode == destination.Append {
				t.Key[0].Name = "event_id"
				t.Fields = append(t.Fields, destination.Field{Name: "external_id", Kind: record.Text})
				t.Fields[5].Name = "time"
			}
		},
		value: func(mode destination.Mode, ch *record.Change) {
			if mode == destination.Append {
				ch.Values = append(ch.Values, ch.KeyVals[0])
			}
		},
		row: func(_ *speech, store string, fields facade.Fields) destinationtest.Row {
			if store == "events" {
				properties := facade.ParseFields(fields["properties"])
				properties["id"], properties["at"] = fields["external_id"], fields["time"]
				return readFields("", properties)
			}
			return readFields("external_id", fields)
		},
		spoil: spoilName, reject: "name", shed: sandbox.ServerError, // after a 429 the window of three seconds has to pass
		refuses: func(ch record.Change) bool { return strings.TrimSpace(string(ch.KeyVals[0].Data)) == "" },
		missing: missing("the service has no such mode", destinationtest.Updates, destinationtest.Inserts),
	}
}

func mixpanelSpeaker() *speaker {
	return &speaker{
		kind: "mixpanel", key: "distinct_id", batch: "@this", stores: []string{"profiles", "events"},
		objects: map[destination.Mode]string{destination.Upsert: "profiles", destination.Mirror: "profiles", destination.Append: "events/Signed up"},
		shape: func(mode destination.Mode, t *destination.Target) {
			if mode == destination.Append {
				t.Key[0].Name = "event_id"
				t.Fields = append(t.Fields, destination.Field{Name: "distinct_id", Kind: record.Text})
				t.Fields[5].Name = "time"
			}
		},
		value: func(mode destination.Mode, ch *record.Change) {
			if mode == destination.Append {
				ch.Values = append(ch.Values, text("person-of-"+string(ch.KeyVals[0].Data)))
			}
		},
		row: func(_ *speech, store string, fields facade.Fields) destinationtest.Row {
			if store == "events" {
				ms, _ := strconv.ParseInt(fields.Text("time"), 10, 64)
				fields.Set("at", time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999999Z"))
				return readFields("event_id", fields, "distinct_id", "$insert_id", "event", "same", "time")
			}
			delete(fields, "id")
			return readFields("distinct_id", fields)
		},
		spoil: func(ch *record.Change) {
			ch.Values[7] = record.Value{Kind: record.JSON, Data: []byte(`{"a":{"b":{"c":{"d":"spoilt value"}}}}`)}
		},
		keeps: []string{"name", "score", "amount", "active", "day", "local", "doc"}, // an event's time has milliseconds
		refuses: func(ch record.Change) bool {
			return strings.Contains(string(ch.Values[7].Data), "deep")
		},
		missing: missing("the service has no such mode", destinationtest.Updates, destinationtest.Inserts),
	}
}

func slackSpeaker() *speaker {
	return &speaker{
		kind: "slack", key: "id", batch: "none", stores: []string{"C0123456789"},
		objects: map[destination.Mode]string{destination.Append: "C0123456789"},
		shape: func(_ destination.Mode, t *destination.Target) {
			t.Fields = []destination.Field{{Name: "text", Kind: record.Text}}
		},
		value: func(_ destination.Mode, ch *record.Change) {
			ch.Values = record.Record{text(string(ch.KeyVals[0].Data) + ": " + string(ch.Values[0].Data))}
		},
		row: func(_ *speech, _ string, fields facade.Fields) destinationtest.Row {
			id, name, _ := strings.Cut(fields.Text("text"), ": ")
			return destinationtest.Row{"id": &id, "name": &name}
		},
		spoil: spoilName, keeps: []string{"name"},
		missing: missing("the service has no such mode", destinationtest.Upserts, destinationtest.Updates, destinationtest.Inserts, destinationtest.Mirrors),
	}
}

func metaSpeaker() *speaker {
	return &speaker{
		kind: "meta_audiences", key: "EMAIL_SHA256", batch: "payload.data", stores: []string{"23850000000000001"},
		objects: map[destination.Mode]string{destination.Upsert: "23850000000000001", destination.Mirror: "23850000000000001"},
		params:  map[string]string{"ad_account": "1234567"},
		shape:   func(_ destination.Mode, t *destination.Target) { t.Fields = t.Fields[:1]; t.Fields[0].Name = "MADID" },
		value: func(mode destination.Mode, ch *record.Change) {
			name := record.Value{}
			if len(ch.Values) > 0 {
				name = ch.Values[0]
			}
			hashedKey(mode, ch)
			if ch.Op != record.Delete {
				ch.Values = record.Record{name}
			}
		},
		row: func(s *speech, _ string, fields facade.Fields) destinationtest.Row {
			s.mu.Lock()
			defer s.mu.Unlock()
			id := s.hashes[fields.Text("EMAIL_SHA256")]
			return destinationtest.Row{"id": &id}
		},
		spoil: spoilName, reject: "MADID", keeps: []string{},
		missing: missing("the service has no such mode", destinationtest.Updates, destinationtest.Inserts, destinationtest.Appends),
	}
}

func linkedinSpeaker() *speaker {
	return &speaker{
		kind: "linkedin_segments", key: "SHA256_EMAIL", batch: "elements", stores: []string{"1234567"},
		objects: map[destination.Mode]string{destination.Upsert: "1234567", destination.Mirror: "1234567"},
		params:  map[string]string{"ad_account": "512345678"},
		shape:   func(_ destination.Mode, t *destination.Target) { t.Fields = nil },
		value: func(mode destination.Mode, ch *record.Change) {
			spoilt := len(ch.Values) > 0 && string(ch.Values[0].Data) == "spoilt value"
			hashedKey(mode, ch)
			if spoilt {
				ch.KeyVals[0].Data = []byte(strings.ToUpper(string(ch.KeyVals[0].Data)))
				ch.Key = record.AppendKey(nil, ch.KeyVals...)
			}
		},
		row: func(s *speech, _ string, fields facade.Fields) destinationtest.Row {
			s.mu.Lock()
			defer s.mu.Unlock()
			id := s.hashes[fields.Text("SHA256_EMAIL")]
			return destinationtest.Row{"id": &id}
		},
		spoil: spoilName, keeps: []string{},
		missing: missing("the service has no such mode", destinationtest.Updates, destinationtest.Inserts, destinationtest.Appends),
	}
}

// The descriptions and the stand-ins are written from the vendors' contracts
// by two hands: here they meet.
func TestMessagingConforms(t *testing.T) {
	t.Parallel()
	for _, sp := range speakers() {
		t.Run(sp.kind, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, destinationtest.Harness{
				Missing: sp.missing,
				New: func(t *testing.T) *destinationtest.Subject {
					t.Helper()
					s := sp.open(t)
					return &destinationtest.Subject{
						Destination: s.connect(t), Rows: s.rows, Spoil: sp.spoil, Fail: s.fail,
						Keeps: sp.keeps, Refuses: sp.refuses, LongestText: sp.longest, Secrets: []string{"spoilt value", "sandbox-token", "sandbox-api_key"},
						Seen: func() []destinationtest.Size {
							s.mu.Lock()
							defer s.mu.Unlock()
							return append([]destinationtest.Size(nil), s.sizes...)
						},
					}
				},
			})
		})
	}
}

// What the suite's target does not reach: relationships with a key of two
// fields, lists beside the attributes, objects of a type, groups.
func TestMessagingObjects(t *testing.T) {
	t.Parallel()
	names := func(kind record.Kind, names ...string) []destination.Field {
		out := make([]destination.Field, len(names))
		for i, n := range names {
			out[i] = destination.Field{Name: n, Kind: kind}
		}
		return out
	}
	document := record.Value{Kind: record.JSON, Data: []byte(`[{"identifiers":{"id":"p1"}}]`)}
	tests := map[string]struct {
		speaker *speaker
		target  destination.Target
		change  record.Change
		store   string
		want    map[string]string // fields that the stand-in holds
	}{
		"customer.io relationships": {
			customerioSpeaker(),
			destination.Target{Object: "relationships/1", Key: names(record.Text, "object_id", "id"), Fields: names(record.Text, "role")},
			record.Change{KeyVals: record.Record{text("acme"), text("p1")}, Values: record.Record{text("owner")}},
			"relationships/1",
			map[string]string{"object_id": "acme", "id": "p1", "role": "owner"},
		},
		"customer.io objects with relationships": {
			customerioSpeaker(),
			destination.Target{Object: "objects/1", Key: names(record.Int, "object_id"), Fields: append(names(record.Text, "plan"), names(record.JSON, "cio_relationships")...)},
			record.Change{KeyVals: record.Record{{Kind: record.Int, Data: []byte("7")}}, Values: record.Record{text("gold"), document}},
			"objects/1",
			map[string]string{"object_id": "7", "plan": "gold", "cio_relationships": string(document.Data)},
		},
		"mixpanel groups": {
			mixpanelSpeaker(),
			destination.Target{Object: "groups/Company", Key: names(record.Int, "group_id"), Fields: names(record.Text, "plan", "gone")},
			record.Change{KeyVals: record.Record{{Kind: record.Int, Data: []byte("7")}}, Values: record.Record{text("gold"), {Kind: record.Null}}},
			"groups",
			map[string]string{"group_id": "7", "id": "Company/7", "plan": "gold", "gone": ""},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.speaker.stores = []string{tt.store}
			tt.speaker.row = func(_ *speech, _ string, fields facade.Fields) destinationtest.Row { return readRow(row(fields)) }
			s := tt.speaker.open(t)
			d := s.connect(t).(*interpreter).Destination
			t.Cleanup(func() { _ = d.Close() })
			tt.target.Mode = destination.Mirror
			w, err := d.Open(t.Context(), tt.target)
			if err != nil {
				t.Fatal(err)
			}
			tt.change.Key = record.AppendKey(nil, tt.change.KeyVals...)
			for _, op := range []record.Op{record.Create, record.Update, record.Delete} {
				ch := tt.change
				if ch.Op = op; op == record.Delete {
					ch.Values = nil
				}
				if out := w.Write(t.Context(), []record.Change{ch}); out[0].State != destination.OK {
					t.Fatalf("%s: %+v", op, out)
				}
				if op == record.Delete {
					break
				}
				rows := s.rows(t)
				if len(rows) != 1 {
					t.Fatalf("after %s the stand-in holds %v", op, rows)
				}
				for field, want := range tt.want {
					if got := rows[0][field]; got == nil && want != "" || got != nil && *got != want {
						t.Errorf("%s is %v, want %q", field, got, want)
					}
				}
			}
			if rows := s.rows(t); len(rows) != 0 {
				t.Errorf("after the delete the stand-in holds %v", rows)
			}
		})
	}
}
