package vendortest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// CheckAnswer gives the operation that a request is for and what is wrong with
// the answer to it; nil if nothing is. Where the description says nothing of
// answers, that is an error, too.
func (d *Description) CheckAnswer(r *http.Request, status int, header http.Header, body []byte) (operation string, err error) {
	route, params, err := d.find(r)
	if err != nil {
		return "", err
	}
	operation = route.Operation.OperationID
	said := route.Operation.Responses.Status(status)
	if said == nil {
		said = route.Operation.Responses.Default()
	}
	if said == nil || said.Value == nil || len(said.Value.Content) == 0 {
		return operation, fmt.Errorf("nothing is described for an answer with status %d", status)
	}
	options := &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true}
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if kind, _, _ := strings.Cut(header.Get("Content-Type"), ";"); kind == "" {
		return operation, errors.New("the answer has no type")
	}
	return operation, openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	})
}
