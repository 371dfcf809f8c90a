package postgres

import (
	"context"
	"time"
)

// unusedColumns makes what unused_after needs. A session has expires when it was last used
// with that setting. Who saves it without the setting does not know of the columns: then
// saved_at is the later one, and the session stays.
const unusedColumns = `
ALTER TABLE tokentoss_sessions ADD COLUMN IF NOT EXISTS used_at timestamptz, ADD COLUMN IF NOT EXISTS expires timestamptz;
CREATE INDEX IF NOT EXISTS tokentoss_sessions_unused ON tokentoss_sessions (expires) WHERE saved_at <= used_at`

// removeUnused removes some sessions that have expired, whoever's they are, and their locks.
// It waits for nobody: a row that somebody else has at this moment is skipped.
const removeUnused = `
WITH unused AS (
	SELECT owner, key FROM tokentoss_sessions AS s
	WHERE expires < now() AND saved_at <= used_at AND NOT EXISTS (
		SELECT FROM tokentoss_locks AS l WHERE l.owner = s.owner AND l.key = s.key AND l.expires > clock_timestamp())
	ORDER BY expires LIMIT 100 FOR UPDATE SKIP LOCKED),
removed AS (
	DELETE FROM tokentoss_sessions AS s USING unused AS u WHERE s.owner = u.owner AND s.key = u.key RETURNING s.owner, s.key)
DELETE FROM tokentoss_locks AS l USING removed AS r WHERE l.owner = r.owner AND l.key = r.key AND l.expires <= clock_timestamp()`

// removePause is the least time between two removals by one process.
const removePause = time.Minute

// use notes that a session is in use. It tells whether the session is still there.
func (s *store) use(ctx context.Context, key string) (bool, error) {
	tag, err := s.db.run(ctx, "UPDATE tokentoss_sessions SET used_at = now(), expires = now() + $3 * interval '1 second' WHERE owner = $1 AND key = $2",
		s.owner, key, s.unusedAfter.Seconds())
	return tag.RowsAffected() == 1, err
}

// tidy removes what nobody uses, now and then. What it cannot do it leaves to others.
func (s *store) tidy(ctx context.Context) {
	last, now := s.tidied.Load(), time.Now().UnixNano()
	if s.unusedAfter == 0 || last != 0 && now-last < int64(removePause) && now >= last || !s.tidied.CompareAndSwap(last, now) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if _, err := s.db.run(ctx, removeUnused); err != nil {
		s.log.Debug("sessions that nobody uses were not removed", "error", err)
	}
}
