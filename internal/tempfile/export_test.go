package tempfile

// Unlinked is the way of systems that cannot make files without a name.
var Unlinked = unlinked
