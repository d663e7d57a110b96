package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"exposync/internal/record"
)

// Hash is how a value is made unreadable for whom does not know it already.
type Hash string

// SHA256 is the digest of the value's text, in lower-case hexadecimal.
const SHA256 Hash = "sha256"

// Hashes lists them.
func Hashes() []string { return []string{string(SHA256)} }

// Normalize is how vendors want a text written before they compare or hash it.
type Normalize string

// The ways to write a text.
const (
	Email   Normalize = "email"   // without blanks around it, lower case
	Phone   Normalize = "phone"   // digits with the country code: Meta
	E164    Normalize = "e164"    // the same after a +: Google, and most other APIs
	Name    Normalize = "name"    // lower case, no punctuation, single blanks
	Zip     Normalize = "zip"     // lower case, no blanks; of an American one the first five digits
	Country Normalize = "country" // two letters, lower case
)

// Normalizations lists them in the order of the documentation.
func Normalizations() []string {
	return []string{string(Email), string(Phone), string(E164), string(Name), string(Zip), string(Country)}
}

func (c *compiler) normalize(s step, how Normalize) step {
	if s.kind != record.Null && s.kind != record.Text && (s.kind != record.Int || how == Email || how == Name || how == Country) {
		c.problem("cast_type", "write it on a text, or add `cast: text`", "normalize: %s: a value of type %s has no such form", how, s.kind)
		return s
	}
	return s.then(record.Text, func(v record.Value) (record.Value, *Failure) {
		text, why := normalized(how, string(v.Data))
		switch {
		case why != "":
			return v, c.fail("normalize_failed", "normalize: "+string(how)+": "+why)
		case text == "": // a blank says as much as a null
			return record.Value{Kind: record.Null}, nil
		}
		return record.Value{Kind: record.Text, Data: []byte(text)}, nil
	})
}

// normalized writes a text as vendors want it; why says why it cannot be.
func normalized(how Normalize, text string) (out, why string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", ""
	}
	switch how {
	case Email:
		if at := strings.LastIndexByte(text, '@'); at < 1 || at == len(text)-1 || strings.ContainsFunc(text, unicode.IsSpace) {
			return "", "the value is no e-mail address"
		}
		return strings.ToLower(text), ""
	case Phone, E164:
		digits, why := phone(text)
		if why == "" && how == E164 {
			digits = "+" + digits
		}
		return digits, why
	case Name:
		return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
			if unicode.IsPunct(r) || unicode.IsSymbol(r) {
				return -1
			}
			return unicode.ToLower(r)
		}, text)), " "), ""
	case Zip:
		return zip(text), ""
	case Country:
		if len(text) != 2 || !letter(text[0]) || !letter(text[1]) {
			return "", "the value is no country code of two letters"
		}
		return strings.ToLower(text), ""
	}
	return text, ""
}

// phone gives the digits of a number that says its country. Nobody can tell a
// national number from one that lacks its +, and the wrong one is somebody
// else's.
func phone(text string) (digits, why string) {
	rest, international := strings.CutPrefix(text, "+")
	if !international {
		rest, international = strings.CutPrefix(text, "00")
	}
	if !international {
		return "", "the value has no country code (+ or 00 in front of it)"
	}
	digits = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -./()\u00a0\u2011\u202f", r) {
			return -1
		}
		return r
	}, strings.Replace(rest, "(0)", "", 1))
	if len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' {
		return "", "the value is no telephone number of 7 to 15 digits"
	}
	return digits, ""
}

func zip(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), ""))
	if five, four, plus := strings.Cut(text, "-"); plus && len(five) == 5 && len(four) == 4 && strings.Trim(five+four, "0123456789") == "" {
		return five
	}
	return text
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func (c *compiler) hash(s step) step {
	if s.kind == record.JSON || s.kind == record.Float {
		c.problem("cast_type", "hash a text or a whole number; in doubt add `cast: text`",
			"hash: a value of type %s can be written in several ways, which have different hashes", s.kind)
		return s
	}
	var buf [2 * sha256.Size]byte
	return s.then(record.Text, func(v record.Value) (record.Value, *Failure) {
		sum := sha256.Sum256(v.Data)
		hex.Encode(buf[:], sum[:])
		return record.Value{Kind: record.Text, Data: buf[:]}, nil
	})
}
