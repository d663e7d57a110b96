package record_test

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exposync/internal/record"
)

func TestAppendDecimal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "-0.0e9": "0", "0e999999999": "0",
		"7": "7", "+7": "7", "007": "7", "-12.50": "-12.5", "12.": "12", ".5": "0.5", "-.5": "-0.5",
		"1e3": "1000", "1.5E3": "1500", "15e-1": "1.5", "1e-3": "0.001", "100e-2": "1", "0.00120e2": "0.12",
		"99999999999999999999999999999.999999999": "99999999999999999999999999999.999999999",
		"NaN": "NaN", "nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "Infinity": "Infinity",
	} {
		got, ok := record.AppendDecimal([]byte("x"), text)
		if !ok || string(got) != "x"+want {
			t.Errorf("AppendDecimal(x, %q) = %q, %t, want x%s", text, got, ok, want)
		}
	}
}

func TestAppendDecimalRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ".", "-", "+", "e5", "1e", "1e+", "1e1.5", "--1", "1 ", " 1", "1,5", "0x10", "1_000", "12a", "infinite", "1e200000",
		"1e99999999999999999999", strings.Repeat("9", 400_000),
	} {
		if got, ok := record.AppendDecimal([]byte("x"), text); ok || string(got) != "x" {
			t.Errorf("AppendDecimal(x, %.20q) = %.20q, %t, want x, false", text, got, ok)
		}
	}
}

// Two texts of one number give the same bytes, texts of two numbers never.
func TestDecimalsAreEqualAsBytesWhenEqualAsNumbers(t *testing.T) {
	t.Parallel()
	text := rapid.StringMatching(`[-+]?[0-9]{0,3}[05]\.?[0-9]{0,3}0{0,2}(e[-+]?[0-3])?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		ra, _ := new(big.Rat).SetString(a)
		rb, _ := new(big.Rat).SetString(b)
		ca, okA := record.AppendDecimal(nil, a)
		cb, okB := record.AppendDecimal(nil, []byte(b))
		if !okA || !okB {
			t.Fatalf("AppendDecimal refuses %q or %q", a, b)
		}
		if (ra.Cmp(rb) == 0) != (string(ca) == string(cb)) {
			t.Fatalf("%q gives %s, %q gives %s", a, ca, b, cb)
		}
		if back, ok := new(big.Rat).SetString(string(ca)); !ok || back.Cmp(ra) != 0 {
			t.Fatalf("%q became %s", a, ca)
		}
	})
}

func TestAppendFloat(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]float64{
		"0": math.Copysign(0, -1), "0.1": 0.1, "-12.5": -12.5, "12": 12, "1000000000000000000000": 1e21,
		"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "9007199254740993": 9007199254740993 + 1 - 1,
	} {
		if want == "9007199254740993" {
			want = "9007199254740992" // there is no such float
		}
		if got := string(record.AppendFloat(nil, v, 64)); got != want {
			t.Errorf("AppendFloat(%g) = %s, want %s", v, got, want)
		}
	}
	if got := string(record.AppendFloat(nil, float64(float32(0.1)), 32)); got != "0.1" {
		t.Errorf("AppendFloat of a 32-bit 0.1 = %s, want 0.1", got)
	}
}

// A float reads back the same, and is written as the decimal of its digits
// would be: the kinds of numbers share one encoding.
func TestFloatsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		text := string(record.AppendFloat(nil, v, 64))
		back, err := strconv.ParseFloat(text, 64)
		if err != nil || back != v && !math.IsNaN(v) {
			t.Fatalf("%g became %s and then %g (%v)", v, text, back, err)
		}
		if decimal, ok := record.AppendDecimal(nil, text); !ok || string(decimal) != text {
			t.Fatalf("float %s, as a decimal %s", text, decimal)
		}
	})
}

func TestAppendNumericAgreesWithTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?`).Draw(t, "text")
		want, _ := record.AppendDecimal(nil, text)
		got, ok := record.AppendNumeric(nil, numericWire(text))
		if !ok || string(got) != string(want) {
			t.Fatalf("AppendNumeric of %s = %s, %t, want %s", text, got, ok, want)
		}
	})
}

func TestAppendNumericRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for name, wire := range map[string][]byte{
		"empty":          nil,
		"short":          {0, 1, 0, 0, 0, 0, 0, 0},
		"long":           {0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
		"unknown sign":   {0, 1, 0, 0, 0x80, 0, 0, 0, 0, 1},
		"digit too high": {0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10},
		"fraction, same": {0, 1, 0xff, 0xff, 0, 0, 0, 4, 0x27, 0x10},
	} {
		if got, ok := record.AppendNumeric([]byte("x"), wire); ok || string(got) != "x" {
			t.Errorf("%s: AppendNumeric = %q, %t, want x, false", name, got, ok)
		}
	}
}

// numericWire writes a decimal text the way PostgreSQL sends a numeric.
func numericWire(text string) []byte {
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	scale := len(fraction)
	whole = strings.Repeat("0", (4-len(whole)%4)%4) + whole
	fraction += strings.Repeat("0", (4-len(fraction)%4)%4)
	all, weight := whole+fraction, len(whole)/4-1
	var groups []uint16
	for i := 0; i < len(all); i += 4 {
		n, _ := strconv.ParseUint(all[i:i+4], 10, 16)
		groups = append(groups, uint16(n))
	}
	for len(groups) > 0 && groups[0] == 0 {
		groups, weight = groups[1:], weight-1
	}
	for len(groups) > 0 && groups[len(groups)-1] == 0 {
		groups = groups[:len(groups)-1]
	}
	sign := uint16(0)
	if negative {
		sign = 0x4000
	}
	var wire []byte
	for _, n := range []int{len(groups), weight, int(sign), scale} {
		wire = binary.BigEndian.AppendUint16(wire, uint16(n))
	}
	for _, g := range groups {
		wire = binary.BigEndian.AppendUint16(wire, g)
	}
	return wire
}
