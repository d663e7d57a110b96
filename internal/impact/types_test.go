package impact

import "testing"

func TestCompareTypes(t *testing.T) {
	t.Parallel()
	const same, wider, narrower, other = Kind(""), Kind("column_widened"), Kind("column_narrowed"), Kind("column_retyped")
	for _, tt := range []struct {
		was, is    string
		want, back Kind
	}{
		{"integer", "INT", same, same},
		{"int4", "integer", same, same},
		{"text", "character varying", same, same},
		{"varchar", "STRING", same, same},
		{"", "integer", same, same}, // nobody said
		{"numeric(12, 2)", "DECIMAL(12,2)", same, same},
		{"timestamp without time zone", "timestamp", same, same},
		{"timestamp(6) with time zone", "timestamptz", wider, narrower},
		{"money_of_ours", "MONEY_OF_OURS", same, same},

		{"integer", "bigint", wider, narrower},
		{"smallint", "INT64", wider, narrower},
		{"bigint", "hugeint", wider, narrower},
		{"varchar(50)", "varchar(100)", wider, narrower},
		{"varchar(50)", "text", wider, narrower},
		{"numeric(12,2)", "numeric(14,2)", wider, narrower},
		{"numeric(12,2)", "numeric", wider, narrower},
		{"real", "double precision", wider, narrower},
		{"integer", "numeric(38,0)", wider, narrower},
		{"integer", "numeric(12,2)", wider, narrower},

		{"bigint", "numeric(10,0)", narrower, wider},
		{"numeric(12,2)", "numeric(12,4)", narrower, narrower}, // fewer digits before the point, then fewer after it
		{"numeric(12,2)", "double", narrower, narrower},

		{"integer", "text", other, other},
		{"date", "timestamp", other, other},
		{"timestamp", "timestamp with time zone", other, other},
		{"boolean", "integer", other, other},
		{"integer[]", "text[]", other, other},
		{"struct(a integer)", "struct(a bigint)", other, other},
		{"integer", "money_of_ours", other, other},
		{"json", "text", other, other},
		{"enum('a', 'b')", "varchar", same, same},
	} {
		if got := compareTypes(tt.was, tt.is); got != tt.want {
			t.Errorf("%s to %s is %q, want %q", tt.was, tt.is, got, tt.want)
		}
		if got := compareTypes(tt.is, tt.was); got != tt.back {
			t.Errorf("%s to %s is %q, want %q", tt.is, tt.was, got, tt.back)
		}
	}
}

// A column is called renamed only where there is one way to pair it.
func TestRenames(t *testing.T) {
	t.Parallel()
	cols := func(spec ...string) columns {
		var list []column
		for i := 0; i < len(spec); i += 2 {
			list = append(list, column{name: spec[i], dataType: spec[i+1]})
		}
		return newColumns(list)
	}
	for _, tt := range []struct {
		name    string
		was, is columns
		want    map[string]string
	}{
		{"in place", cols("id", "int", "name", "text", "at", "date"), cols("id", "int", "title", "text", "at", "date"), map[string]string{"name": "title"}},
		{"of another type", cols("id", "int", "name", "text"), cols("id", "int", "title", "int"), nil},
		{"elsewhere", cols("id", "int", "name", "text", "at", "date"), cols("id", "int", "at", "date", "title", "text"), nil},
		{"two of a type side by side", cols("id", "int", "a", "text", "b", "text"), cols("id", "int", "c", "text", "d", "text"), nil},
		{"two side by side that their types tell apart", cols("id", "int", "a", "text", "b", "date"), cols("id", "int", "c", "text", "d", "date"), map[string]string{"a": "c", "b": "d"}},
		{"one for two", cols("id", "int", "a", "text", "b", "text"), cols("id", "int", "c", "text"), nil},
		{"at the end", cols("id", "int", "a", "text"), cols("id", "int", "b", "text"), map[string]string{"a": "b"}},
		{"only its case", cols("ID", "int", "a", "text"), cols("id", "int", "A", "text"), nil},
		{"two in places of their own", cols("a", "text", "id", "int", "b", "text"), cols("c", "text", "id", "int", "d", "text"), map[string]string{"a": "c", "b": "d"}},
	} {
		var removed, added []column
		for _, c := range tt.was.list {
			if !tt.is.has(c.name) {
				removed = append(removed, c)
			}
		}
		for _, c := range tt.is.list {
			if !tt.was.has(c.name) {
				added = append(added, c)
			}
		}
		got := renames(columnPair{was: tt.was, is: tt.is}, removed, added)
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		for from, to := range tt.want {
			if got[from].name != to {
				t.Errorf("%s: %s is %q, want %q", tt.name, from, got[from].name, to)
			}
		}
	}
}
