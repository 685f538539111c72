package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	_ "github.com/jackc/pgx/v4/stdlib" // database/sql's driver "pgx", which kine uses
	"github.com/sirupsen/logrus"
)

// entry is the newest value under a key.
type entry struct {
	key      string
	value    []byte
	revision int64
}

// store keeps the cluster, as kine does for K3s.
type store interface {
	list(prefix string) ([]entry, error)
	// put replaces the value of the revision that was read, 0 for none; errConflict if another was faster.
	put(key string, value []byte, revision int64) error
	remove(key string) error
}

var errConflict = errors.New("key exists")

// modify reads, changes and writes the JSON value under a key until no other writer comes between.
func modify[T any](s store, key string, change func(value *T) error) error {
	for {
		var value T
		var revision int64
		entries, err := s.list(key)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if entry.key == key {
				revision = entry.revision
				if err := json.Unmarshal(entry.value, &value); err != nil {
					return err
				}
			}
		}
		if err := change(&value); err != nil {
			return err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if err := s.put(key, text, revision); err != errConflict {
			return err
		}
	}
}

func openStore(c *config) (store, error) {
	endpoint := c.str("datastore-endpoint", "")
	switch {
	case endpoint == "":
		return openFileStore(c.dataDir("server/db/standin.json"))
	case strings.HasPrefix(endpoint, "postgres://"), strings.HasPrefix(endpoint, "postgresql://"):
		return openPostgres(c, endpoint)
	}
	return nil, errors.New("the stand-in knows PostgreSQL alone as external datastore")
}

// dataSource gives pgx's form of the endpoint. Files for TLS demand verify-full unless the URL names a mode.
func dataSource(c *config, endpoint string) (*url.URL, error) {
	source, err := url.Parse(endpoint)
	if err != nil {
		// The parser's own words quote the URL with its password.
		return nil, errors.New("failed to parse datastore DSN URL; ensure that parameters containing special characters use percent-encoding")
	}
	source.Path = strings.ToLower(source.Path)
	if source.Path == "" || source.Path == "/" {
		source.Path = "/kubernetes"
	}
	query, err := url.ParseQuery(source.RawQuery)
	if err != nil {
		return nil, err
	}
	files := map[string]string{
		"sslrootcert": "datastore-cafile", "sslcert": "datastore-certfile", "sslkey": "datastore-keyfile",
	}
	for parameter, flag := range files {
		if file := c.str(flag, ""); file != "" && !query.Has(parameter) {
			query.Set(parameter, file)
			if !query.Has("sslmode") {
				query.Set("sslmode", "verify-full")
			}
		}
	}
	source.RawQuery = query.Encode()
	return source, nil
}

type postgres struct{ *sql.DB }

// schema is kine's table of revisions.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS kine (id BIGSERIAL PRIMARY KEY, name VARCHAR(630), created INTEGER, deleted INTEGER,
	 create_revision BIGINT, prev_revision BIGINT, lease INTEGER, value BYTEA, old_value BYTEA)`,
	`CREATE INDEX IF NOT EXISTS kine_name_id_index ON kine (name, id)`,
	`CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev_revision_uindex ON kine (name, prev_revision)`,
}

func openPostgres(c *config, endpoint string) (store, error) {
	source, err := dataSource(c, endpoint)
	if err != nil {
		return nil, err
	}
	createDatabase(*source)
	db, err := sql.Open("pgx", source.String())
	if err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		if err = db.Ping(); err == nil {
			break
		}
		logrus.Errorf("Failed to ping database connection: %v", err)
		if attempt == 300 {
			return nil, fmt.Errorf("building kine: %w", err)
		}
		time.Sleep(time.Second)
	}
	logrus.Info("Configuring database table schema and indexes, this may take a moment...")
	for _, statement := range schema {
		if _, err := db.Exec(statement); err != nil {
			return nil, fmt.Errorf("building kine: %w", err)
		}
	}
	logrus.Info("Database tables and indexes are up to date")
	return postgres{db}, nil
}

// createDatabase makes the database where it is missing and may be made; K3s only warns when that fails.
func createDatabase(source url.URL) {
	name := strings.TrimPrefix(source.Path, "/")
	source.Path = "/postgres"
	db, err := sql.Open("pgx", source.String())
	if err == nil {
		defer db.Close()
		var exists bool
		if err = db.QueryRow("SELECT true FROM pg_database WHERE datname = $1", name).Scan(&exists); err == sql.ErrNoRows {
			_, err = db.Exec(`CREATE DATABASE "` + strings.ReplaceAll(name, `"`, `""`) + `"`)
		}
	}
	if err != nil {
		logrus.Warnf("failed to ensure existence of database %s: unable to connect to default postgres database: %v", name, err)
	}
}

func (p postgres) list(prefix string) ([]entry, error) {
	rows, err := p.Query(`SELECT DISTINCT ON (name) name, value, id FROM kine
	    WHERE left(name, length($1)) = $1 ORDER BY name, id DESC`, prefix)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []entry
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.key, &e.value, &e.revision); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

func (p postgres) put(key string, value []byte, revision int64) error {
	created := 0
	if revision == 0 {
		created = 1
	}
	_, err := p.Exec(`INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value)
	    VALUES ($1, $2, 0, 0, $3, 0, $4)`, key, created, revision, value)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "23505" {
		return errConflict
	}
	return err
}

func (p postgres) remove(key string) error {
	_, err := p.Exec("DELETE FROM kine WHERE name = $1", key)
	return err
}
