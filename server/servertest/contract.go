package servertest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"totpctl/server"
)

// Pages returns the routes for people, which the OpenAPI document leaves out.
func Pages() []string {
	return []string{"/{$}", "/admin", "/admin/{$}", "/admin/account", "/admin/account/{action}", "/admin/add", "/admin/sign-in", "/admin/sign-out", "/app", "/app/{$}", "/enrol/{token}/{$}", "/enrol/{token}", "/enrolled", "/favicon.ico", "/recover", "/static/{file}"}
}

// A contract is what the server's OpenAPI document says.
type contract struct {
	document *openapi3.T
	routes   *http.ServeMux // finds the documented path, or the page, that a request is for
}

// Contract returns the OpenAPI document that the server gives out, once it has found the
// document to be one.
func (s *Server) Contract() *openapi3.T { return s.Held.contract.document }

// known is read once for all tests of a package.
var known struct {
	sync.Mutex
	contract
}

// contract reads the document from a server of its own, so that no test's log has the
// request.
func (s *Server) contract() contract {
	s.t.Helper()
	known.Lock()
	defer known.Unlock()
	if known.document != nil {
		return known.contract
	}
	w := httptest.NewRecorder()
	s.another(s.URL, func(c *server.Config) { c.Log = slog.New(slog.DiscardHandler) }).ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	document := must(openapi3.NewLoader().LoadFromData(w.Body.Bytes()))(s.t)
	if err := document.Validate(context.Background()); err != nil { // examples included
		s.t.Fatal(err)
	}
	known.contract = contract{document, http.NewServeMux()}
	for _, path := range slices.Concat(document.Paths.Keys(), Pages()) {
		known.routes.HandleFunc(path, func(http.ResponseWriter, *http.Request) {})
	}
	return known.contract
}

// check returns what the document does not allow of an exchange: the answer, or an answer
// that grants a request which the document forbids.
func (c contract) check(e exchange) error {
	if e.status == http.StatusTemporaryRedirect || e.request.RequestURI == "*" { // to a clean path; no path at all
		return nil
	}
	asked := e.request.Clone(context.Background())
	c.routes.ServeHTTP(httptest.NewRecorder(), asked) // sets the pattern and its values
	if slices.Contains(Pages(), asked.Pattern) {
		return nil
	}
	route := c.route(asked)
	question := e.question(asked, route)
	if err := e.checkAnswer(question); err != nil {
		return err
	}
	if e.status >= 300 || route.Path == "" {
		return nil
	}
	if err := openapi3filter.ValidateRequest(context.Background(), question); err != nil {
		return fmt.Errorf("the request was granted: %w", err)
	}
	return nil
}

// route returns the operation that a request is for. What is not documented has one answer,
// an error.
func (c contract) route(asked *http.Request) *routers.Route {
	item := c.document.Paths.Value(asked.Pattern)
	if item == nil {
		return c.refusal("NoRoute", http.StatusNotFound)
	}
	operation := item.GetOperation(asked.Method)
	if operation == nil {
		return c.refusal("MethodNotAllowed", http.StatusMethodNotAllowed)
	}
	return &routers.Route{Spec: c.document, Path: asked.Pattern, PathItem: item, Method: asked.Method, Operation: operation}
}

func (c contract) refusal(response string, status int) *routers.Route {
	responses := openapi3.NewResponses(openapi3.WithStatus(status, c.document.Components.Responses[response]))
	return &routers.Route{Spec: c.document, PathItem: &openapi3.PathItem{}, Operation: &openapi3.Operation{Responses: responses}}
}

// question returns a request as openapi3filter takes it. The server takes JSON of any
// Content-Type, and who may ask is for the tests of bearers.
func (e exchange) question(asked *http.Request, route *routers.Route) *openapi3filter.RequestValidationInput {
	values := map[string]string{}
	for _, part := range strings.Split(route.Path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			values[name] = asked.PathValue(name)
		}
	}
	asked.Header.Set("Content-Type", "application/json")
	asked.Body, asked.ContentLength = body(e.asked.Bytes()), int64(e.asked.Len())
	return &openapi3filter.RequestValidationInput{Request: asked, PathParams: values, Route: route, Options: &openapi3filter.Options{
		IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}}
}

// checkAnswer returns what the document does not allow of the answer.
func (e exchange) checkAnswer(question *openapi3filter.RequestValidationInput) error {
	text, err := e.text()
	if err != nil {
		return err
	}
	documented := question.Route.Operation.Responses.Status(e.status)
	if documented != nil && len(documented.Value.Content) == 0 && len(text) > 0 && e.request.Method != http.MethodHead {
		return fmt.Errorf("%d has no body in the document", e.status)
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: question, Status: e.status, Header: e.header, Body: body(text), Options: question.Options,
	})
}
