package clevertap_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/clevertap"
)

// emptyAccount has no records. begun is called with the body of each first step.
func emptyAccount(t *testing.T, begun func(body string)) *clevertap.Client {
	t.Helper()
	return emptyAccountWith(t, nil, begun)
}

// emptyAccountWith also tells of events.
func emptyAccountWith(t *testing.T, events []string, begun func(body string)) *clevertap.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			begun(string(body))
			fmt.Fprint(w, `{"status":"success","cursor":"a"}`)
			return
		}
		if r.URL.Path == "/getSchema" {
			if err := json.NewEncoder(w).Encode(map[string]any{"status": "success", "events": events}); err != nil {
				t.Error(err)
			}
			return
		}
		fmt.Fprint(w, `{"status":"success","records":[]}`)
	}))
	t.Cleanup(s.Close)
	return clientWith(t, clevertap.Options{Account: "A", Passcode: "p", Endpoint: s.URL})
}

// TestDays asks for no window while one is open that is too many days before it: who is killed then has left none behind.
func TestDays(t *testing.T) {
	t.Parallel()
	const days, all = 3, 12
	var mu sync.Mutex
	released := 0 // days, the first ones
	c := emptyAccount(t, func(body string) {
		mu.Lock()
		defer mu.Unlock()
		for d := released + days + 1; d <= all; d++ {
			if strings.Contains(body, fmt.Sprintf(`"from":202601%02d`, d)) {
				t.Errorf("day %d is asked for while day %d is open", d, released+1)
			}
		}
	})
	src := clevertap.NewSource(clevertap.SourceOptions{
		Client: c, Location: india(t), Days: days, Windows: clevertap.Windows([]string{"A"}, day(20260101), day(20260100+all)),
	})
	var open []source.Unit
	n := 0
	for u, err := range src.Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if open = append(open, u); len(open) == days { // later ones cannot come
			mu.Lock()
			released++
			mu.Unlock()
			open[0].(interface{ Release() }).Release()
			open = open[1:]
		}
	}
	if n != all {
		t.Errorf("%d windows, want %d", n, all)
	}
}

// TestReleaseUnopened makes room for others with windows that nobody has opened.
func TestReleaseUnopened(t *testing.T) {
	t.Parallel()
	p := population(t)
	_, c := account(t, clevertapfake.Options{Population: p})
	src := clevertap.NewSource(clevertap.SourceOptions{Client: c, Location: india(t), MaxAhead: 1, Windows: windows(t, p)})
	n := 0
	for u, err := range src.Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		u.(interface{ Release() }).Release()
	}
	if want := len(windows(t, p)); n != want {
		t.Errorf("%d windows, want %d", n, want)
	}
}

// TestBegan: a window is as old as the first request for it, however long it waits afterwards.
func TestBegan(t *testing.T) {
	t.Parallel()
	var asked time.Time
	c := emptyAccount(t, func(string) { asked = time.Now() })
	src := clevertap.NewSource(clevertap.SourceOptions{Client: c, Location: india(t), Windows: clevertap.Windows([]string{"A"}, day(20260101), day(20260101))})
	for u, err := range src.Units(t.Context()) {
		if began := source.Began(u); err != nil || began.IsZero() || began.After(asked) {
			t.Errorf("%v: began at %v, asked at %v", err, began, asked)
		}
	}
}
