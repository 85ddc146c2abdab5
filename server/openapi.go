package server

import (
	_ "embed"
	"net/http"
)

// openAPI describes the routes that programs use, their bodies and their errors (OpenAPI
// 3.0.3). The tests hold every answer to it.
//
//go:embed openapi.json
var openAPI []byte

func (s *Server) getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	s.openAPI.Serve(w, r)
	return nil
}
