package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is what every way of printing a Value gives.
const hidden = "***"

// Value is a text that must not be printed. Every way to print, log or encode
// it gives "***"; only Reveal gives the text.
type Value struct {
	// A pointer, because fmt prints the unexported fields of a struct that
	// holds a Value without asking Value how.
	text *string
}

// New wraps a secret.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{text: &text}
}

// Reveal gives the text itself, for the one place that needs it.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// IsZero reports whether there is no text.
func (v Value) IsZero() bool { return v.text == nil }

// Equal reports whether both hold the same text.
func (v Value) Equal(o Value) bool { return v.Reveal() == o.Reveal() }

// String gives "***".
func (Value) String() string { return hidden }

// GoString gives "***".
func (Value) GoString() string { return hidden }

// Format prints "***" for every verb.
func (Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, hidden) }

// LogValue gives "***".
func (Value) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText gives "***".
func (Value) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON gives "***" as a JSON string.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
