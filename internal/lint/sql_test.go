package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTokenize(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`select a, "b c" from {{ ref('x') }}`:          "select a , \"b c\" from {{ ref('x') }}",
		"select `a-b`.c -- join\nfrom t":               "select `a-b` . c from t",
		"#standardSQL\nselect a # b from t":            "select a # b from t",
		"select /* a /* join */ b */ 1.5e3":            "select 1.5e3",
		"select 'it''s', 'a\\'b', 'c'":                 `select 'it''s' , 'a\'b' , 'c'`,
		"select 'a\\' from t":                          `select 'a\' from t`,
		"select '{{ var('x') }}' as y":                 "select '{{ var('x') }}' as y",
		"{# join #}{% set x = 'join' %}select 1":       "select 1",
		"select $$ join $$, $a$ it's $a$, $1":          "select $$ join $$ , $a$ it's $a$ , $ 1",
		"select [order id], a[1], array[b] from [t x]": "select [order id] , a [ 1 ] , array [ b ] from [t x]",
		"select 'open":                                 "select 'open",
		"select {{ open":                               "select {{ open",
		"select größe::text":                           "select größe : : text",
	} {
		var got []string
		for _, tok := range tokenize(sql) {
			got = append(got, tok.text)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("tokenize(%q) mismatch (-want +got):\n%s", sql, diff)
		}
	}
}

func TestWorkOf(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"select a, b::int as c from {{ ref('dim_a') }} where a is not null":                             "",
		"with x as (select * from {{ ref('a') }}) select * from x order by 1 limit 5":                   "",
		"select 'join' as \"group by\", t.join, t.over, count, max as rank from t -- join":              "",
		"select extract(year from d) as y, trim(both ' ' from a) from t":                                "",
		"select a is distinct from b as changed, c from t":                                              "",
		"select * except (a, b) from t, unnest(t.tags) as tag":                                          "",
		"select * from t, lateral flatten(input => t.x)":                                                "",
		"select coalesce(a, b), case when a then 1 else 2 end from t where a in (1, 2)":                 "",
		"{{ config(materialized='view') }}\n{% if var('join') %}select 1 as a{% endif %}":               "",
		"select greatest(a, b), date_trunc('month', d), {{ dbt_utils.star(ref('x')) }} from {{ this }}": "",
		"select a from {{ ref('a') }} join {{ ref('b') }} using (id)":                                   "joins(join)",
		"select a from {{ ref('a') }} left outer join (select * from b cross join c) x on true":         "joins(join) joins(join)",
		"select a from {{ ref('a') }} a, {{ ref('b') }} b where a.id = b.id":                            "joins(a comma in from)",
		"select a, sum(b) from t group by 1 having count(*) > 1":                                        "aggregates(sum) aggregates(group by) aggregates(having) aggregates(count)",
		"select distinct a from t": "aggregates(select distinct)",
		"select row_number() over (partition by a order by b) as n from t":                               "uses a window function(row_number) uses a window function(over)",
		"select sum(a) over w as s from t window w as (order by b)":                                      "uses a window function(over)",
		"select * from t qualify n = 1":                                                                  "uses a window function(qualify)",
		"select a from t union all select a from u":                                                      "puts sets together(union)",
		"SELECT A FROM T INNER JOIN U ON T.ID = U.ID":                                                    "joins(join)",
		"select * from t pivot (sum(x) for y in ('a'))":                                                  "aggregates(pivot) aggregates(sum)",
		"select a, (select max(b) from u) from t":                                                        "aggregates(max)",
		"/* from a join b */ select '{{ \"join\" }}' from t {# join #}":                                  "",
		"select count(*) filter (where a) from t":                                                        "aggregates(count)",
		"select joined_at, group_id, over_limit, count_of, max_value, lag_days, union_member from joins": "",
	} {
		var got []string
		for _, w := range workOf(sql) {
			got = append(got, w.what+"("+w.word+")")
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("workOf(%q) mismatch (-want +got):\n%s", sql, diff)
		}
	}
}

// No text makes it fail or lose its place.
func FuzzTokenize(f *testing.F) {
	for _, s := range []string{"select '", "{{ {% {#", "$a$", "[", "/*", "\"", "a\\'", "--", "é[x]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		last := 0
		for _, tok := range tokenize(sql) {
			if tok.at < last || tok.text == "" || sql[tok.at:tok.at+len(tok.text)] != tok.text {
				t.Fatalf("token %q is not at byte %d of %q", tok.text, tok.at, sql)
			}
			last = tok.at + len(tok.text)
		}
		workOf(sql)
	})
}
