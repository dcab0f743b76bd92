package ingest

// Frame makes a frame of requests.
func Frame(source string, requests ...*Request) []byte {
	buf := begin(nil, source)
	for _, r := range requests {
		buf = add(buf, r)
	}
	seal(buf)
	return buf
}
