// Serves Vault's own jwt auth method as Vault's HTTP API would, without the rest of Vault: POST /v1/auth/jwt/… goes to
// the plugin, its storage is in memory, and the address is printed on the first line of standard output.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	jwtauth "github.com/hashicorp/vault-plugin-auth-jwt"
	"github.com/hashicorp/vault/sdk/logical"
)

const mount = "/v1/auth/jwt/"

func main() {
	method, err := newMethod()
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, method))
}

type method struct {
	backend logical.Backend
	storage logical.Storage
}

func newMethod() (*method, error) {
	storage := &logical.InmemStorage{}
	system := &logical.StaticSystemView{DefaultLeaseTTLVal: time.Hour, MaxLeaseTTLVal: 24 * time.Hour}
	config := &logical.BackendConfig{Logger: hclog.NewNullLogger(), System: system, StorageView: storage}
	backend, err := jwtauth.Factory(context.Background(), config)
	return &method{backend, storage}, err
}

func (m *method) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	if strings.HasPrefix(request.URL.Path, "/v1/sys/auth/") {
		writer.WriteHeader(http.StatusNoContent)
		return
	}
	path, found := strings.CutPrefix(request.URL.Path, mount)
	if !found {
		answer(writer, http.StatusNotFound, map[string]any{"errors": []string{"no handler for route"}})
		return
	}
	response, err := m.handle(request, path)
	if err == nil && response.IsError() {
		err = response.Error()
	}
	if err != nil {
		answer(writer, http.StatusBadRequest, map[string]any{"errors": []string{err.Error()}})
		return
	}
	if response == nil || response.Auth == nil {
		writer.WriteHeader(http.StatusNoContent)
		return
	}
	answer(writer, http.StatusOK, map[string]any{"auth": map[string]any{
		"policies": response.Auth.Policies,
		"metadata": response.Auth.Metadata,
		"alias":    response.Auth.Alias.Name,
	}})
}

// As Vault's core does: a role that is not there yet is created, which decides what its fields may be.
func (m *method) handle(request *http.Request, path string) (*logical.Response, error) {
	data := map[string]any{}
	if err := json.NewDecoder(request.Body).Decode(&data); err != nil {
		return nil, errors.New("error parsing JSON")
	}
	call := &logical.Request{
		Operation:  logical.UpdateOperation,
		Path:       path,
		Storage:    m.storage,
		Data:       data,
		Connection: &logical.Connection{RemoteAddr: "127.0.0.1"},
	}
	_, exists, err := m.backend.HandleExistenceCheck(request.Context(), call)
	if err == nil && !exists && strings.HasPrefix(path, "role/") {
		call.Operation = logical.CreateOperation
	}
	return m.backend.HandleRequest(request.Context(), call)
}

func answer(writer http.ResponseWriter, status int, body any) {
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	_ = json.NewEncoder(writer).Encode(body)
}
