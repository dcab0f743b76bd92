package federate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
)

// Endpoints and settings that are refused before anything is sent.
func TestCheck(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]federate.Destination{
		"":                                 {Name: "d", Source: "s", KeyFrom: "env:K"},
		"readable to everybody":            {Name: "d", Source: "s", KeyFrom: "env:K", Endpoint: "http://example.com"},
		"no user, password":                {Name: "d", Source: "s", KeyFrom: "env:K", Endpoint: "https://u:p@example.com"},
		"not a URL":                        {Name: "d", Source: "s", KeyFrom: "env:K", Endpoint: "example.com"},
		"scheme ftp is not https":          {Name: "d", Source: "s", KeyFrom: "env:K", Endpoint: "ftp://example.com"},
		"has no write key":                 {Name: "d", Source: "s"},
		`region "mars" is unknown`:         {Name: "d", Source: "s", KeyFrom: "env:K", Region: "mars"},
		"is not the endpoint of region eu": {Name: "d", Source: "s", KeyFrom: "env:K", Region: "eu", Endpoint: federate.EndpointUS},
		"is not the endpoint of region us": {Name: "d", Source: "s", KeyFrom: "env:K", Endpoint: "https://Events.EU1.segmentapis.com.:443/v1"},
		"the name that is wanted":          {Name: "d", Source: "s", KeyFrom: "env:s3cr3t-key"},
		"has no host":                      {Name: "d", Source: "s", KeyFrom: "env:K", Endpoint: "https://:443"},
		"hashed properties need a key":     {Name: "d", Source: "s", KeyFrom: "env:K", Settings: federate.Settings{Hashed: []string{"a"}}},
		"sample 2":                         {Name: "d", Source: "s", KeyFrom: "env:K", Settings: federate.Settings{Sample: 2}},
	} {
		err := d.Check("")
		if want == "" {
			if err != nil || d.Endpoint != federate.EndpointUS || d.Region != federate.RegionUS {
				t.Errorf("Check = %v, %+v", err, d)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check of %+v = %v, want %q", d, err, want)
		}
	}
	for _, endpoint := range []string{"https://t.example.com/v1/batch", "https://t.example.com/v1/", "https://t.example.com/"} {
		d := federate.Destination{Name: "d", Source: "s", KeyFrom: "env:K", Endpoint: endpoint, Region: "in"}
		if err := d.Check("in"); err != nil || d.Endpoint != "https://t.example.com" {
			t.Errorf("Check of %s = %v, %s", endpoint, err, d.Endpoint)
		}
	}
	d := federate.Destination{Name: "d", Source: "s", KeyFrom: "env:K", Region: "us"}
	var region *federate.RegionError
	if err := d.Check("eu"); !errors.As(err, &region) || region.SourceRegion != "eu" {
		t.Errorf("Check of another region = %v", err)
	}
	d.Region = ""
	if err := d.Check("eu"); err != nil || d.Endpoint != federate.EndpointEU {
		t.Errorf("Check without a region = %v, %+v", err, d)
	}
}

// Of a source without a region nobody knows where its data may go: its destinations have to be in one.
func TestRegionsOfOneSource(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 1)...)
	add := func(name, region string) error {
		d := federate.Destination{Name: name, Source: nickname, Region: region, KeyFrom: "env:KEY"}
		return federate.Add(t.Context(), s.pool, d, "", false)
	}
	if err := add("first", "eu"); err != nil {
		t.Fatal(err)
	}
	if err := add("second", "us"); err == nil || !strings.Contains(err.Error(), "tapline source set "+nickname+" --region") {
		t.Errorf("Add in another region = %v", err)
	}
	if err := add("third", "eu"); err != nil {
		t.Error(err)
	}
	update := func(name, region string) error {
		d := federate.Destination{Name: name, Source: nickname, Region: region, KeyFrom: "env:KEY"}
		return federate.Update(t.Context(), s.pool, d, "")
	}
	if err := update("third", "us"); err == nil || !strings.Contains(err.Error(), "tapline source set "+nickname+" --region") {
		t.Errorf("Update to another region = %v", err)
	}
	if err := update("third", "eu"); err != nil {
		t.Error(err)
	}
	if err := federate.Remove(t.Context(), s.pool, "third"); err != nil {
		t.Fatal(err)
	}
	if err := update("first", "us"); err != nil {
		t.Errorf("Update of the only destination = %v", err)
	}
	if err := update("first", "eu"); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, s.pool, `update tapline.sources set settings = '{"region":"us"}'`)
	var region *federate.RegionError
	if err := add("fourth", "eu"); !errors.As(err, &region) || region.SourceRegion != "us" {
		t.Errorf("Add outside the source's region = %v", err)
	}
	if err := s.federator(options()).Run(t.Context()); !errors.As(err, &region) {
		t.Errorf("Run outside the source's region = %v", err)
	}
}

// A name that leads to this machine is refused when it is dialled, unless that is allowed; so is http.
func TestPrivateAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 3)...)
	s.add("segment", strings.Replace(s.url, "127.0.0.1", "localhost", 1), federate.Settings{})
	pgtest.Exec(t, s.pool, `update tapline.destinations set settings = '{"allow_http":true}'`)
	err := s.federator(options()).Run(t.Context())
	var paused *federate.PausedError
	if !errors.As(err, &paused) || !strings.Contains(paused.Reason, "private network") {
		t.Errorf("Run = %v", err)
	}
	if _, _, requests := s.sink.Counts(); requests > 0 {
		t.Error("a request was sent")
	}
	if err := federate.Resume(t.Context(), s.pool, "segment"); err != nil {
		t.Fatal(err)
	}
	o := options()
	o.AllowPrivate = true
	s.run(o)
	s.complete()
	pgtest.Exec(t, s.pool, `update tapline.destinations set settings = '{"allow_private":true}'`)
	if err := s.federator(options()).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "use https") {
		t.Errorf("Run over http = %v", err)
	}
}

// A test tells what a destination answers, with one request and without moving anything.
func TestProbe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 3)...)
	s.add("segment", s.url, federate.Settings{})
	r, err := s.federator(options()).Test(t.Context(), "segment")
	if err != nil || !r.OK || r.Status != http.StatusOK || r.Took <= 0 {
		t.Errorf("Test = %+v, %v", r, err)
	}
	s.sink.Set(func(*sink.Request) *sink.Answer { return &sink.Answer{Status: 503, Body: "down " + writeKey} })
	r, err = s.federator(options()).Test(t.Context(), "segment")
	if err != nil || r.OK || r.Message != "503 Service Unavailable: down ***" {
		t.Errorf("Test = %+v, %v", r, err)
	}
	if kept, _, requests := s.sink.Counts(); kept != 1 || requests != 2 || s.report("segment").Pending != 3 {
		t.Errorf("%d messages, %d requests", kept, requests)
	}
}
