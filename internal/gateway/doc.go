// Package gateway is the HTTP door of Tapline: it speaks Segment's HTTP Tracking API. A request that it answers with 200
// is on disk, in the hands of an ingest.Intake. It looks into a body only as far as it must to say that it is JSON, within
// the limits, and whose it is; each event in it is judged later, alone, and goes to its table or to quarantine.
//
// What clients see:
//
//	200  {"success":true}: taken
//	400  the body cannot be read: the code is the data contract's reason (invalid_json, invalid_utf8, not_an_object,
//	     event_too_large) or too_many_events; nothing of it was taken
//	401  unknown_key, no_key      403  source_disabled, wrong_region
//	408  the body came too slowly 413  far over the limits    415  a compression other than gzip
//	429  the key's rate           503  no room, no disk, or a server that stops: both say when to come again
//
// Errors are JSON: {"success":false,"code":"...","message":"...","request_id":"..."}.
package gateway
