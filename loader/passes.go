package loader

// Passes reports whether the error of a Load may be over by itself: Postgres cannot be reached, is starting or stopping, has no
// connection left, or loaders were in each other's way all the time. What does not pass needs somebody: a right, room on a disk,
// a schema that is not there.
func Passes(err error) bool { return passes(err) }
