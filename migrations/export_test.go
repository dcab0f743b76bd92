package migrations

// LockKey opens the key of a schema's lock to the tests, which stand in for another Migrator.
var LockKey = lockKey
