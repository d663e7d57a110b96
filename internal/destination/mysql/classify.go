package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"exposync/internal/destination"
)

// Numbers of MySQL's and MariaDB's errors, by what they mean to us.
var (
	// denied: credentials are not accepted, or no longer.
	denied = []uint16{1044, 1045, 1698, 1820, 1862, 3118, 3159, 4151}
	// busy: deadlocks, timeouts, limits of the moment, a server that ends, a
	// cluster that is not ready.
	busy = []uint16{
		1021, 1037, 1038, 1040, 1041, 1047, 1053, 1080, 1114, 1180, 1203, 1205, 1213, 1226, 1317, 1613, 1614, 1637,
		1927, 1969, 2006, 2013, 3024, 3058, 3100, 3101, 3168, 3572, 4031,
	}
	// ofRecord: about the values of one record. Most have an SQLSTATE of the
	// classes 22, 23 and 45, too.
	ofRecord = []uint16{
		1048, 1062, 1118, 1138, 1153, 1169, 1216, 1217, 1264, 1265, 1292, 1301, 1364, 1365, 1366, 1367, 1369, 1406, 1411, 1416,
		1441, 1451, 1452, 1525, 1526, 1557, 1586, 1644, 1690, 1748, 1761, 1762, 1862, 1916, 1918, 3140, 3141, 3144, 3156, 3157,
		3819, 4025, 4078, 4161,
	}
	// ofMapping: unknown columns, tables, routines and types: every record fails.
	ofMapping = []uint16{1054, 1109, 1110, 1136, 1146, 1166, 1267, 1305, 1348, 1393, 1394, 1906, 3105, 3106}
)

func stateOf(e *mysql.MySQLError) destination.State {
	switch {
	case slices.Contains(denied, e.Number):
		return destination.Auth
	case slices.Contains(busy, e.Number):
		return destination.Retry
	case recordError(e):
		return destination.Bisect
	case slices.Contains(ofMapping, e.Number):
		return destination.Mapping
	}
	return destination.Stop // 1142: not granted; 1290, 1792, 1836: read only; damage
}

// recordError reports whether an error is about the values of one record.
func recordError(e *mysql.MySQLError) bool {
	if slices.Contains(ofRecord, e.Number) {
		return true
	}
	class := string(e.SQLState[:2])
	return class == "22" || class == "23" || class == "45"
}

// failed gives the outcome of changes whose transaction ended with err before
// it was committed, so nothing of them was written.
func failed(ctx context.Context, err error, t *table) destination.Outcome {
	if ctx.Err() != nil {
		return destination.Outcome{State: destination.NotSent, Code: "interrupted", Message: "the run ended before the transaction was committed"}
	}
	if refused, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return destination.Outcome{State: stateOf(refused), Code: code(refused), Message: clean(refused, t, nil)}
	}
	return destination.Outcome{State: destination.Retry, Code: "connection", Message: "the connection to the database broke before the transaction was committed"}
}

// uncommitted gives the outcome of changes whose commit did not succeed.
func uncommitted(err error, t *table) destination.Outcome {
	if refused, ok := errors.AsType[*mysql.MySQLError](err); ok && stateOf(refused) != destination.Stop && !ended(refused) {
		return destination.Outcome{State: stateOf(refused), Code: code(refused), Message: clean(refused, t, nil)} // it was rolled back
	}
	return destination.Outcome{
		State: destination.InDoubt, Code: "connection",
		Message: "the connection to the database broke during the commit",
	}
}

// ended reports whether an error says that the session is over, and so
// nothing about the statement.
func ended(e *mysql.MySQLError) bool {
	return slices.Contains([]uint16{1053, 1080, 1317, 1927, 1969, 2006, 2013, 3024, 3168, 4031}, e.Number)
}

func code(e *mysql.MySQLError) string { return strconv.Itoa(int(e.Number)) }

// rejected is the outcome of one record that the server refused.
func rejected(code, message string) destination.Outcome {
	return destination.Outcome{State: destination.Rejected, Code: code, Message: message}
}

var (
	columnOf     = regexp.MustCompile("(?:[Cc]olumn|[Ff]ield) '([^']*)'")
	keyOf        = regexp.MustCompile("for key '([^']*)'$")
	constraintOf = regexp.MustCompile("(?i)constraint [`']([^`']*)[`']")
)

// clean says why the server refused something, without what it quotes of the
// values: of its text only names are used that the table is known to have.
// values are those of the record, for what triggers raise.
func clean(e *mysql.MySQLError, t *table, values []string) string {
	switch {
	case e.Number == 1644 || string(e.SQLState[:2]) == "45": // signal: the words of a trigger
		return destination.WithoutValues(e.Message, values)
	case e.Number == 1062, e.Number == 1586, e.Number == 1169, e.Number == 1761, e.Number == 1762:
		return "another record has the same value" + t.named(": unique index ", e.Message, keyOf)
	case e.Number == 1048, e.Number == 1364, e.Number == 1263:
		return "a value is missing" + t.named(" in column ", e.Message, columnOf) + ", which takes no nulls and has no default"
	case e.Number == 1406:
		return "the value is too long" + t.named(" for column ", e.Message, columnOf)
	case e.Number == 1264, e.Number == 1690, e.Number == 1367:
		return "the number is out of the range" + t.named(" of column ", e.Message, columnOf)
	case e.Number == 1265:
		return "the value would be cut or rounded" + t.named(" in column ", e.Message, columnOf)
	case e.Number == 1292, e.Number == 1366, e.Number == 1411, e.Number == 1525:
		return "the value is none of its type" + t.named(" in column ", e.Message, columnOf)
	case e.Number == 1451, e.Number == 1452, e.Number == 1216, e.Number == 1217:
		return "a foreign key is violated" + t.named(": ", e.Message, constraintOf)
	case e.Number == 3819, e.Number == 4025:
		return "a check constraint is violated" + t.named(": ", e.Message, constraintOf)
	case e.Number == 1153:
		return "the record is larger than what the server takes at once (max_allowed_packet)"
	case recordError(e):
		return fmt.Sprintf("the server refused the record (error %d); its message may quote a value, so it is not shown", e.Number)
	}
	return destination.WithoutValues(e.Message, values)
}

// named finds the name that a message speaks of, if the table has it.
func (t *table) named(before, message string, where *regexp.Regexp) string {
	all := where.FindAllStringSubmatch(message, -1)
	if len(all) == 0 {
		return ""
	}
	name := all[len(all)-1][1]
	if _, after, ok := strings.Cut(name, t.name+"."); ok && !slices.Contains(t.names, name) { // MySQL 8.0.19: table.index
		name = after
	}
	if !slices.Contains(t.names, name) {
		return ""
	}
	return before + name
}
