package feed_test

// processes are what the test binary does as a process of a test.
var processes = map[string]func() error{}
