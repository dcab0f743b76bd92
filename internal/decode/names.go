package decode

import "github.com/tapline/tapline/schema"

type mapping uint8

const (
	asSent mapping = iota
	deviceInfo
	profile
)

type names struct{ device, traits, osName *schema.Path }

func (n *names) child(parent *schema.Path, key []byte, m mapping) child { return child{} }

type clock struct{}
type canon struct{}

func (d *Decoder) setUpCleverTap() error            { return nil }
func (d *Decoder) nameLine(line []byte) bool        { return false }
func (d *Decoder) finishCleverTap(ev *schema.Event) {}
func cleverTapField(key []byte) field               { return fUnknown }
