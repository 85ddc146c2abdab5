package server_test

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"totpctl/server"
	"totpctl/server/servertest"
)

func TestTheOpenAPIDocumentIsForEverybodyAndSaysWhenItHasChanged(t *testing.T) {
	f := newFixture(t)
	r := get(f, "/openapi.json")
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%s, Content-Type %q, Cache-Control %q", r.Status, r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"))
	}
	if r := get(f, "/openapi.json", "If-None-Match", r.Header.Get("ETag")); r.StatusCode != http.StatusNotModified || body(t, r.Body) != "" {
		t.Errorf("with its ETag: %s", r.Status)
	}
	f.do("HEAD", "/openapi.json", "", "").want(t, 200, "")
	f.do("POST", "/openapi.json", "", "").wantCode(t, 405, "method_not_allowed")
}

func TestTheOpenAPIDocumentHasEveryRouteForProgramsAndNoOther(t *testing.T) {
	f := newFixture(t)
	documented := map[string][]string{}
	for path, item := range f.Contract().Paths.Map() {
		documented[path] = slices.Sorted(maps.Keys(item.Operations()))
	}
	routes := f.Server.Server.Routes()
	for _, path := range append(servertest.Pages(), "/") { // "/" is every other path: no_route
		if _, ok := routes[path]; !ok {
			t.Errorf("there is no route %s", path)
		}
		delete(routes, path)
	}
	if !reflect.DeepEqual(routes, documented) {
		t.Errorf("routes are %v\nand the document has %v", routes, documented)
	}
}

func TestTheOpenAPIDocumentHasEveryErrorCodeWithItsStatus(t *testing.T) {
	f := newFixture(t)
	want, got, listed := server.Codes(), map[string]int{}, []string{}
	responses := f.Contract().Components.Responses
	look := func(status int, r *openapi3.ResponseRef) {
		for _, content := range r.Value.Content {
			for _, part := range content.Schema.Value.AllOf {
				for _, code := range codesOf(part) {
					if want[code] != status {
						t.Errorf("%s is documented for %d, and is %d", code, status, want[code])
					}
					got[code] = status
				}
			}
		}
	}
	for _, item := range f.Contract().Paths.Map() {
		for _, operation := range item.Operations() {
			for status, r := range operation.Responses.Map() {
				n, _ := strconv.Atoi(status)
				look(n, r)
			}
		}
	}
	look(http.StatusNotFound, responses["NoRoute"])
	look(http.StatusMethodNotAllowed, responses["MethodNotAllowed"])
	if !maps.Equal(got, want) {
		t.Errorf("documented are %v\nand there are %v", got, want)
	}
	for _, code := range f.Contract().Components.Schemas["ErrorCode"].Value.Enum {
		listed = append(listed, code.(string))
	}
	if slices.Sort(listed); !slices.Equal(listed, slices.Sorted(maps.Keys(want))) {
		t.Errorf("ErrorCode lists %q", listed)
	}
}

// codesOf returns the codes that a part of an error's schema allows, without those that
// every error may have.
func codesOf(part *openapi3.SchemaRef) (codes []string) {
	property := part.Value.Properties["code"]
	if part.Ref != "" || property == nil {
		return nil
	}
	for _, code := range property.Value.Enum {
		codes = append(codes, code.(string))
	}
	return codes
}

// A schema that lets other members pass would hold no answer to anything.
func TestEverySchemaIsClosedAndEveryAnswerHasAnExample(t *testing.T) {
	document := newFixture(t).Contract()
	for name, schema := range document.Components.Schemas {
		if open := schema.Value.AdditionalProperties.Has; schema.Value.Type.Is("object") && (open == nil || *open) {
			t.Errorf("the schema %s lets any member pass", name)
		}
	}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			for status, r := range operation.Responses.Map() {
				for kind, content := range r.Value.Content {
					if content.Example == nil && len(content.Examples) == 0 {
						t.Errorf("%s %s has no example of the %s of %s", method, path, kind, status)
					}
				}
			}
			if q := operation.RequestBody; q != nil && q.Value.Required && q.Value.Content["application/json"].Example == nil {
				t.Errorf("%s %s has no example of its body", method, path)
			}
		}
	}
}
