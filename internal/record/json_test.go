package record_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/record"
)

func value(kind record.Kind, data string) record.Value {
	return record.Value{Kind: kind, Data: []byte(data)}
}

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]record.Value{
		`null`:                         {Kind: record.Null},
		`true`:                         value(record.Bool, "true"),
		`-12`:                          value(record.Int, "-12"),
		`0.1`:                          value(record.Float, "0.1"),
		`99999999999999999999.123`:     value(record.Decimal, "99999999999999999999.123"),
		`"a\"b\\c\n\u0001<é😀"`:         value(record.Text, "a\"b\\c\n\x01<é😀"),
		`"AP8="`:                       value(record.Bytes, "\x00\xff"),
		`"2024-02-29"`:                 value(record.Date, "2024-02-29"),
		`"infinity"`:                   value(record.Timestamp, "infinity"),
		`"2024-02-29T12:00:00Z"`:       value(record.Instant, "2024-02-29T12:00:00Z"),
		`"12:00:00"`:                   value(record.Time, "12:00:00"),
		`{"a":[1,"x"],"b":1.00}`:       value(record.JSON, `{"a":[1,"x"],"b":1.00}`),
		`""`:                           value(record.Text, ""),
		"\"a\\u0000\\b\\f\\r\\t\x7f\"": value(record.Text, "a\x00\b\f\r\t\x7f"),
	} {
		got, err := record.AppendJSON([]byte("x"), v)
		if err != nil || string(got) != "x"+want {
			t.Errorf("AppendJSON(x, %s) = %s, %v, want x%s", v.Kind, got, err, want)
		}
	}
}

func TestAppendJSONRefusesWhatJSONCannotSay(t *testing.T) {
	t.Parallel()
	for _, v := range []record.Value{
		{},
		value(record.Float, "NaN"), value(record.Float, "Infinity"), value(record.Decimal, "-Infinity"),
		value(record.Text, "a\xffb"), value(record.Text, "\xed\xa0\x80"), value(record.Text, "half \xf0\x9f"), value(record.Int, ""),
	} {
		got, err := record.AppendJSON([]byte("x"), v)
		if err == nil || string(got) != "x" {
			t.Errorf("AppendJSON(x, %s %q) = %s, %v, want an error", v.Kind, v.Data, got, err)
		}
	}
	if got, err := record.AppendJSONElement(nil, value(record.Float, "NaN")); err != nil || string(got) != `"NaN"` {
		t.Errorf("AppendJSONElement(NaN) = %s, %v", got, err)
	}
}

// encoding/json reads from AppendJSON what it reads from its own writing.
func TestAppendJSONMeansWhatEncodingJSONMeans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		number := rapid.Float64().Draw(t, "number")
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		for _, c := range []struct {
			v    record.Value
			want any
		}{
			{value(record.Text, text), text},
			{record.Value{Kind: record.Float, Data: record.AppendFloat(nil, number, 64)}, number},
			{record.Value{Kind: record.Bytes, Data: raw}, base64.StdEncoding.EncodeToString(raw)},
		} {
			out, err := record.AppendJSON(nil, c.v)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decoded(t, mustMarshal(t, c.want)), decoded(t, out)); diff != "" {
				t.Fatalf("%s differs (-encoding/json +AppendJSON):\n%s", c.v.Kind, diff)
			}
		}
	})
}

func TestAppendJSONAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted per process
	buf := make([]byte, 0, 1024)
	row := mixedRow()
	if n := testing.AllocsPerRun(100, func() {
		for _, v := range row {
			buf, _ = record.AppendJSON(buf[:0], v)
		}
	}); n > 0 {
		t.Errorf("AppendJSON allocates %v times", n)
	}
}

func TestAppendCanonicalJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		` { "b" : 1 , "a" : [ true , null ] } `: `{"a":[true,null],"b":1}`,
		`{"a":1,"b":2,"a":3}`:                   `{"a":3,"b":2}`,
		`{"a":1,"\u0061":2}`:                    `{"a":2}`,
		`{"a b":1,"a":2,"a!":3}`:                `{"a":2,"a b":1,"a!":3}`,
		`{"é":1,"z":2,"Z":3}`:                   `{"Z":3,"z":2,"é":1}`,
		`{"o":{"b":{"d":1,"c":2},"a":0}}`:       `{"o":{"a":0,"b":{"c":2,"d":1}}}`,
		`1.00`:                                  `1.00`,
		`-0`:                                    `-0`,
		`1E+5`:                                  `1E+5`,
		`"\u00e9\/\u003c\uD83D\uDE00"`:          `"é/<😀"`,
		`"\ud83d\u0041\uDE00"`:                  `"\ud83dA\ude00"`,
		`"\u0000\u001f\n\"\\"`:                  `"\u0000\u001f\n\"\\"`,
		`"\u0022\u005c\u000a"`:                  `"\"\\\n"`,
		`[]`:                                    `[]`,
		` [ ] `:                                 `[]`,
		`{ }`:                                   `{}`,
		`""`:                                    `""`,
	} {
		got, err := record.AppendCanonicalJSON([]byte("x"), []byte(text))
		if err != nil || string(got) != "x"+want {
			t.Errorf("AppendCanonicalJSON(x, %s) = %s, %v, want x%s", text, got, err, want)
		}
	}
}

func TestAppendCanonicalJSONIsNotQuadraticInDepth(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000)
	if got, err := record.AppendCanonicalJSON(nil, []byte(deep)); err != nil || string(got) != deep {
		t.Errorf("10000 levels: %v", err)
	}
	if _, err := record.AppendCanonicalJSON(nil, []byte(strings.Repeat(`[`, 5_000_000))); err == nil {
		t.Error("five million open brackets were taken for JSON")
	}
}

// FuzzCanonicalJSON checks against encoding/json: the same texts are JSON,
// the meaning stays, and the form is a fixed point.
func FuzzCanonicalJSON(f *testing.F) {
	for _, seed := range []string{
		`{"b":1,"a":[1.5e3,-0,"\ud83d\ude00\n"],"b":{}}`, `"\ud800"`, `[1,]`, `{"a"}`, `01`, `1.`, `"a`, "\"\x01\"", `nul`, "\xff", ``, ` `,
		`{"":0,"":1}`, `tru`, `-`, `"\u12G4"`, `[1 2]`, `{"a":1,}`, `{} {}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := record.AppendCanonicalJSON([]byte("x"), text)
		if valid := json.Valid(text) && utf8.Valid(text); valid != (err == nil) {
			t.Fatalf("%q: json.Valid says %t, AppendCanonicalJSON %v", text, valid, err)
		}
		if err != nil {
			if string(out) != "x" {
				t.Fatalf("%q: a failure left %q", text, out)
			}
			return
		}
		out = out[1:]
		again, err := record.AppendCanonicalJSON(nil, out)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%s became %s, then %s (%v)", text, out, again, err)
		}
		if diff := cmp.Diff(decoded(t, text), decoded(t, out)); diff != "" {
			t.Fatalf("%s became %s:\n%s", text, out, diff)
		}
	})
}

func decoded(t interface{ Fatal(args ...any) }, text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if n, ok := v.(json.Number); ok { // texts of one number may differ
		f, err := n.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	return v
}

func mustMarshal(t interface{ Fatal(args ...any) }, v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
