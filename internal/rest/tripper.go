package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// Tripper lets a library that speaks net/http use the client: for the tokens
// of OAuth 2, which nobody may watch.
func (c *Client) Tripper(class Class) http.RoundTripper { return &tripper{c, class} }

type tripper struct {
	client *Client
	class  Class
}

// RoundTrip sends the request as Do does.
func (t *tripper) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	ctx := context.WithValue(req.Context(), watchKey{}, nil)
	resp, err := t.client.Do(ctx, Request{
		Class: t.class, Method: req.Method, URL: req.URL.String(), Header: req.Header, Body: body, Attempts: 3,
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(resp.Status), StatusCode: resp.Status, Header: resp.Header, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(resp.Body)), ContentLength: int64(len(resp.Body)),
	}, nil
}
