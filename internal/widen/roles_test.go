package widen_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// role is the name of a role of this test's own: roles are the server's, not the database's.
func role(t *testing.T) string {
	sum := sha256.Sum256([]byte(t.Name()))
	return "widen_" + hex.EncodeToString(sum[:6])
}

func dropRole(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, sql := range []string{`drop owned by "` + role(t) + `"`, `drop role "` + role(t) + `"`} {
		if _, err := pool.Exec(context.Background(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
