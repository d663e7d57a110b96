package facade_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
)

const sfData = "/services/data/v60.0"

func salesforceHarness() facadetest.Harness {
	return facadetest.Harness{
		Kind: "salesforce", Object: "Account", Method: http.MethodGet, Path: sfData + "/limits",
		Authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+facadetest.Secret) },
		Write: func(c *facadetest.Client, key, value string) string {
			body := fmt.Sprintf(`{"allOrNone":false,"records":[{"attributes":{"type":"Account"},"Ext__c":%q,"Name":%q}]}`, key, value)
			status, _, answer := c.Do(http.MethodPatch, sfData+"/composite/sobjects/Account/Ext__c", body)
			if status != http.StatusOK {
				c.T.Fatalf("status %d: %s", status, answer)
			}
			return gjson.Get(answer, "0.errors.0.message").String()
		},
		Answers: map[facade.Trouble]facadetest.Answer{
			facade.Unauthorized: {Status: 401, Says: `"errorCode":"INVALID_SESSION_ID"`},
			facade.Expired:      {Status: 401, Says: `"errorCode":"INVALID_SESSION_ID"`},
			facade.Throttled:    {Status: 403, Says: `Concurrent`},
			facade.Exhausted:    {Status: 403, Says: `"errorCode":"REQUEST_LIMIT_EXCEEDED"`, Header: map[string]string{"Sforce-Limit-Info": "api-usage=100000/100000"}},
			facade.Down:         {Status: 503, Says: `"errorCode":"SERVER_UNAVAILABLE"`},
		},
	}
}

func TestSalesforce(t *testing.T) { t.Parallel(); facadetest.Run(t, salesforceHarness()) }

// do makes a request and wants a status.
func do(c *facadetest.Client, want int, method, path, body string, header ...string) gjson.Result {
	c.T.Helper()
	status, _, answer := c.Do(method, path, body, header...)
	if status != want {
		c.T.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, answer)
	}
	return gjson.Parse(answer)
}

func soql(c *facadetest.Client, q string) gjson.Result {
	c.T.Helper()
	doc := do(c, 200, "GET", sfData+"/query?q="+url.QueryEscape(q), "")
	return doc
}

// One request with a record of every kind of refusal; the others are taken,
// and results stand in the order of the records.
func TestSalesforceRefusesRecordsOneByOne(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	record := func(fields string) string { return `{"attributes":{"type":"Contact"},` + fields + `}` }
	rows := []struct{ fields, code string }{
		{`"Ext__c":"a","LastName":"Lovelace","Email":"ada@example.com"`, ""},
		{`"Ext__c":"b","FirstName":"Grace"`, "REQUIRED_FIELD_MISSING"},
		{`"Ext__c":"c","LastName":"x","Nope":"y"`, "INVALID_FIELD"},
		{`"Ext__c":"d","LastName":"x","FirstName":"` + strings.Repeat("é", 41) + `"`, "STRING_TOO_LONG"},
		{`"Ext__c":"e","LastName":"x","Email":"nobody"`, "INVALID_EMAIL_ADDRESS"},
		{`"Ext__c":"f","LastName":"x","AccountId":"A-1"`, "MALFORMED_ID"},
		{`"Ext__c":"g","LastName":"x","CreatedDate":"2024-01-01T00:00:00Z"`, "INVALID_FIELD_FOR_INSERT_UPDATE"},
		{`"Ext__c":"","LastName":"x"`, "MISSING_ARGUMENT"},
		{`"Ext__c":"h","LastName":"x"`, "DUPLICATE_VALUE"},
		{`"Ext__c":"H","LastName":"x"`, "DUPLICATE_VALUE"},
		{`"Ext__c":"i","LastName":"` + strings.Repeat("é", 80) + `"`, ""},
	}
	var list []string
	for _, row := range rows {
		list = append(list, record(row.fields))
	}
	doc := do(c, 200, "PATCH", sfData+"/composite/sobjects/Contact/Ext__c", `{"allOrNone":false,"records":[`+strings.Join(list, ",")+`]}`)
	for i, row := range rows {
		got := doc.Get(strconv.Itoa(i))
		if code := got.Get("errors.0.statusCode").String(); code != row.code || got.Get("success").Bool() != (row.code == "") {
			t.Errorf("%s: %s", row.fields, got.Raw)
		}
	}
	if n := soql(c, "SELECT Id FROM Contact").Get("totalSize").Int(); n != 2 {
		t.Errorf("%d contacts were written", n)
	}
	doc = do(c, 200, "PATCH", sfData+"/composite/sobjects/contact/ext__C", `{"allOrNone":true,"records":[`+record(`"Ext__c":"z","LastName":"x"`)+`,`+record(`"Ext__c":"y"`)+`]}`)
	if doc.Get("0.errors.0.statusCode").String() != "ALL_OR_NONE_OPERATION_ROLLED_BACK" || doc.Get("1.errors.0.statusCode").String() != "REQUIRED_FIELD_MISSING" {
		t.Errorf("all or none: %s", doc.Raw)
	}
	if n := soql(c, "SELECT Id FROM Contact WHERE Ext__c = 'z'").Get("totalSize").Int(); n != 0 {
		t.Error("all or none wrote one")
	}
}

// What cannot be read is refused as a whole, before anything is written.
func TestSalesforceRefusesRequests(t *testing.T) {
	t.Parallel()
	c := facadetest.NewStrict(t, salesforceHarness())
	many := strings.TrimSuffix(strings.Repeat(`{"attributes":{"type":"Account"},"Name":"x"},`, 201), ",")
	account := func(field string) string {
		return `{"records":[{"attributes":{"type":"Account"},"Name":"x",` + field + `}]}`
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/composite/sobjects", `{"records":[` + many + `]}`, 400, "EXCEEDED_ID_LIMIT"},
		{"POST", "/composite/sobjects", `{"records":`, 400, "JSON_PARSER_ERROR"},
		{"POST", "/composite/sobjects", account(`"NumberOfEmployees":"many"`), 400, "JSON_PARSER_ERROR"},
		{"POST", "/composite/sobjects", account(`"Phone":5`), 400, "JSON_PARSER_ERROR"},
		{"PATCH", "/composite/sobjects/Account/Nope__c", account(`"Nope__c":"x"`), 404, "NOT_FOUND"},
		{"PATCH", "/composite/sobjects/Account/Name", account(`"Phone":"x"`), 404, "NOT_FOUND"},
		{"GET", "/sobjects/Nope__c/describe", "", 404, "NOT_FOUND"},
		{"GET", "/query?q=SELECT+Id+FROM+Nope__c", "", 400, "INVALID_TYPE"},
		{"GET", "/query?q=SELECT+Nope+FROM+Account", "", 400, "INVALID_FIELD"},
		{"GET", "/query?q=SELECT+Id+FROM+Account+WHERE", "", 400, "MALFORMED_QUERY"},
		{"GET", "/query/01g-2000", "", 400, "INVALID_QUERY_LOCATOR"},
		{"POST", "/jobs/ingest", `{"object":"Nope__c","operation":"upsert"}`, 400, "INVALIDENTITY"},
		{"POST", "/jobs/ingest", `{"object":"Account","operation":"upsert","externalIdFieldName":"Name"}`, 400, "INVALIDJOB"},
	} {
		if doc := do(c, tt.status, tt.method, sfData+tt.path, tt.body); doc.Get("0.errorCode").String() != tt.code {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, doc.Raw, tt.code)
		}
	}
	if n := len(c.Records("Account")); n != 0 {
		t.Errorf("%d records were written", n)
	}
}

// Records one by one, by id and by external id.
func TestSalesforceOneByOne(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	made := do(c, 201, "POST", sfData+"/sobjects/Account", `{"Name":"Acme","Ext__c":"A-1"}`)
	id := made.Get("id").String()
	if len(id) != 18 || !strings.HasPrefix(id, "001") {
		t.Fatalf("made %s", made.Raw)
	}
	c.Learn("Account", facade.Field{Name: "Ext__c", Key: true}, facade.Field{Name: "Score__c", Type: "number"})
	do(c, 204, "PATCH", sfData+"/sobjects/Account/"+id[:15], `{"Score__c":1.50}`)
	again := do(c, 200, "PATCH", sfData+"/sobjects/Account/Ext__c/A-1", `{"Phone":"555"}`)
	fresh := do(c, 201, "PATCH", sfData+"/sobjects/Account/Ext__c/A-2", `{"Name":"Bee"}`)
	if again.Get("id").String() != id || again.Get("created").Bool() || !fresh.Get("created").Bool() {
		t.Errorf("upserts: %s, %s", again.Raw, fresh.Raw)
	}
	got := do(c, 200, "GET", sfData+"/sobjects/Account/Ext__c/a-1?fields=Id,Name,Score__c,Phone,Fax", "")
	if got.Get("Id").String() != id || got.Get("Score__c").Raw != "1.50" || got.Get("Phone").String() != "555" || got.Get("Fax").Raw != "null" {
		t.Errorf("read %s", got.Raw)
	}
	if taken := do(c, 400, "POST", sfData+"/sobjects/Account", `{"Name":"Cee","Ext__c":"a-2"}`); taken.Get("0.errorCode").String() != "DUPLICATE_VALUE" {
		t.Errorf("a second one: %s", taken.Raw)
	}
	do(c, 204, "DELETE", sfData+"/sobjects/Account/"+id, "")
	do(c, 404, "GET", sfData+"/sobjects/Account/"+id, "")
	gone := do(c, 200, "DELETE", sfData+"/composite/sobjects?ids="+id+","+fresh.Get("id").String()+",001000000000000AAA,x&allOrNone=false", "")
	if codes := fmt.Sprint(gone.Get("#.errors.0.statusCode")); codes != `["ENTITY_IS_DELETED","INVALID_CROSS_REFERENCE_KEY","MALFORMED_ID"]` || !gone.Get("1.success").Bool() {
		t.Errorf("deleted: %s", gone.Raw)
	}
}

// A description tells what learning and the standard fields say.
func TestSalesforceDescribes(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	c.Learn("Contact", facade.Field{Name: "Ext__c", Type: "text", Key: true}, facade.Field{Name: "Score__c", Type: "number"})
	doc := do(c, 200, "GET", sfData+"/sobjects/contact/describe", "")
	for name, want := range map[string]string{
		"Ext__c":   `["string",255,true,true,true,true]`,
		"Score__c": `["double",0,false,false,true,true]`,
		"LastName": `["string",80,false,false,false,true]`,
		"Name":     `["string",121,false,false,false,false]`,
		"Id":       `["id",18,false,false,false,false]`,
	} {
		f := doc.Get(`fields.#(name=="` + name + `")`)
		if got := f.Get("[type,length,externalId,unique,nillable,createable]").Raw; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Queries come in pages, with texts in quotes.
func TestSalesforceQueries(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	for start := 0; start < 450; start += 150 {
		var rows []string
		for i := start; i < start+150; i++ {
			rows = append(rows, fmt.Sprintf(`{"attributes":{"type":"Account"},"Name":"O'Neil \\ %d","Ext__c":"k%03d"}`, i%2, i))
		}
		do(c, 200, "POST", sfData+"/composite/sobjects", `{"records":[`+strings.Join(rows, ",")+`]}`)
	}
	half := soql(c, `SELECT Id, Name FROM Account WHERE Name = 'O\'Neil \\ 1'`)
	if half.Get("totalSize").Int() != 225 || half.Get("records.0.Name").String() != `O'Neil \ 1` {
		t.Errorf("queried %.300s", half.Raw)
	}
	if few := soql(c, "select Id from account limit 7"); len(few.Get("records").Array()) != 7 {
		t.Errorf("limited %.300s", few.Raw)
	}
	seen := map[string]bool{}
	pages := 0
	for path := sfData + "/query?q=SELECT+Id+FROM+Account"; path != ""; pages++ {
		page := do(c, 200, "GET", path, "", "Sforce-Query-Options", "batchSize=200")
		for _, id := range page.Get("records.#.Id").Array() {
			seen[id.String()] = true
		}
		path = page.Get("nextRecordsUrl").String()
		if page.Get("done").Bool() != (path == "") {
			t.Errorf("done and next disagree: %.200s", page.Raw)
		}
	}
	if len(seen) != 450 || pages != 3 {
		t.Errorf("%d records on %d pages", len(seen), pages)
	}
	if who := soql(c, "SELECT Id, IsSandbox FROM Organization"); len(who.Get("records.0.Id").String()) != 18 || !who.Get("records.0.IsSandbox").Bool() {
		t.Errorf("organization %s", who.Raw)
	}
}

// Tokens are issued for both grants, expire, and lead to the mount.
func TestSalesforceTokens(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims := func(exp time.Time) string {
		return part(fmt.Sprintf(`{"iss":"app","sub":"ada@example.com","aud":"https://login.salesforce.com","exp":%d}`, exp.Unix()))
	}
	signed := func(header, body string) string {
		return "grant_type=" + url.QueryEscape("urn:ietf:params:oauth:grant-type:jwt-bearer") + "&assertion=" + part(header) + "." + body + "." + part("signature")
	}
	rs256 := `{"alg":"RS256"}`
	token := ""
	for name, tt := range map[string]struct {
		form, code string
	}{
		"client credentials":   {"grant_type=client_credentials&client_id=app&client_secret=s3cret", ""},
		"no secret":            {"grant_type=client_credentials&client_id=app", "invalid_client"},
		"no client":            {"grant_type=client_credentials&client_secret=s3cret", "invalid_client_id"},
		"another grant":        {"grant_type=password", "unsupported_grant_type"},
		"assertion":            {signed(rs256, claims(c.Now().Add(3*time.Minute))), ""},
		"an old assertion":     {signed(rs256, claims(c.Now().Add(-time.Minute))), "invalid_grant"},
		"one that lasts":       {signed(rs256, claims(c.Now().Add(time.Hour))), "invalid_grant"},
		"one nobody signed":    {signed(`{"alg":"none"}`, claims(c.Now().Add(time.Minute))), "invalid_grant"},
		"something else there": {signed(rs256, "nonsense"), "invalid_grant"},
	} {
		r := c.Request("POST", "/services/oauth2/token", tt.form, "Content-Type", "application/x-www-form-urlencoded")
		status, _, answer := c.Send(r)
		doc := gjson.Parse(answer)
		if doc.Get("error").String() != tt.code || (status == 200) != (tt.code == "") {
			t.Errorf("%s: %d %s", name, status, answer)
		}
		if tt.code == "" {
			token = doc.Get("access_token").String()
			if doc.Get("instance_url").String() != c.Base || token == "" {
				t.Errorf("%s: %s", name, answer)
			}
		}
	}
	ask := func() int {
		r := c.Request("GET", sfData+"/limits", "")
		r.Header.Set("Authorization", "Bearer "+token)
		status, _, _ := c.Send(r)
		return status
	}
	if status := ask(); status != 200 {
		t.Errorf("with a token: %d", status)
	}
	c.Pass(2 * time.Hour)
	if status := ask(); status != 401 {
		t.Errorf("with an old token: %d", status)
	}
	if status, _, answer := c.Send(c.Request("GET", "/services/data", "")); status != 200 || !gjson.Get(answer, `#(version=="60.0")`).Exists() {
		t.Errorf("versions: %d %s", status, answer)
	}
}

// A record may be locked, as a fault says.
func TestSalesforceLocks(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	c.Faults(sandbox.Rule{Kind: sandbox.Partial, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access"})
	doc := do(c, 200, "POST", sfData+"/composite/sobjects", `{"records":[{"attributes":{"type":"Account"},"Name":"x"}]}`)
	if doc.Get("0.errors.0.statusCode").String() != "UNABLE_TO_LOCK_ROW" {
		t.Errorf("answered %s", doc.Raw)
	}
	c.Faults(sandbox.Rule{Kind: sandbox.DuplicateID})
	doc = do(c, 200, "PATCH", sfData+"/composite/sobjects/Account/E__c", `{"records":[{"attributes":{"type":"Account"},"E__c":"1","Name":"x"},{"attributes":{"type":"Account"},"E__c":"2","Name":"x"}]}`)
	if doc.Get("1.errors.0.statusCode").String() != "DUPLICATE_VALUE" {
		t.Errorf("answered %s", doc.Raw)
	}
}
