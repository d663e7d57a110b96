// Package rest is the one HTTP client: it decides by the class of a request
// whether it may be sent again, waits as the server asks within limits, never
// follows a redirect with a body, and lets no secret into an error.
package rest
