package client_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"totpctl/server/api"
	"totpctl/server/client"
	"totpctl/server/servertest"
)

// A code is good once.
func ExampleClient_Check() {
	server, end := servertest.ForExample()
	defer end()
	c, err := client.New(client.Config{URL: server.URL, Bearer: servertest.CheckBearer, Clock: time.Now})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		result, err := c.Check(context.Background(), api.Question{Code: server.Code()})
		switch {
		case err != nil: // neither yes nor no
			fmt.Println("no verdict:", err)
		case result.Status:
			fmt.Println("valid")
		default:
			fmt.Println("not valid:", result.Clause())
		}
	}
	// Output:
	// valid
	// not valid: this code, or a later one, has been used already
}
