package warehouse

import (
	"strconv"
	"strings"

	"exposync/internal/record"
)

// MySQLSince is the condition that MySQL and MariaDB leave rows out by, for
// all readers of them; empty for none. The name is quoted, the type as SHOW
// COLUMNS writes it.
func MySQLSince(name, typ string, since Since) string {
	bound, ok := since.Bound()
	if !ok {
		return ""
	}
	pattern := ""
	switch since.From.Kind {
	case record.Int, record.Decimal:
		pattern = "%c >= %b or %c is null"
		if strings.HasPrefix(typ, "year") || strings.HasPrefix(typ, "bit") {
			name += " + 0" // else a YEAR takes 69 for 2069
		}
	case record.Date:
		pattern = "(%c < date'%b' and " + regular + ") is not true"
	case record.Timestamp:
		pattern = "(%c < timestamp'%b' and " + regular + ") is not true"
	case record.Instant:
		return mysqlInstant(name, since.From)
	default:
	}
	return strings.NewReplacer("%c", name, "%b", bound).Replace(pattern)
}

// regular is true of what every calendar has. Other dates, which some SQL
// modes let into a table (0000-00-00, 2024-05-00, 2024-02-31), are read as
// texts, and stand anywhere in an index, so none helps to find them.
const regular = "year(%c) > 0 and month(%c) > 0 and dayofmonth(%c) between 1 and dayofmonth(last_day(%c))"

// mysqlInstant compares seconds since 1970, which are the same in every time
// zone. What an index is asked for is written in the session's zone, so it is
// lowered by more than clocks can be set back; the zero date comes as well.
func mysqlInstant(name string, from record.Value) string {
	const micros, slack, last = 1_000_000, 2 * 24 * 60 * 60, 1<<31 - 1
	moment, _, ok := record.ParseTimestamp(from.Data)
	seconds := min(moment/micros, last)
	if !ok || seconds <= 2*slack {
		return ""
	}
	return strings.NewReplacer(
		"%c", name, "%n", strconv.FormatInt(seconds, 10),
		"%low", strconv.FormatInt(slack, 10), "%b", strconv.FormatInt(seconds-slack, 10),
	).Replace("(%c >= from_unixtime(%b) or %c < from_unixtime(%low) or %c is null)" +
		" and (unix_timestamp(%c) < %n and unix_timestamp(%c) <> 0) is not true")
}
