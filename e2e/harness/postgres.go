package harness

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Postgres is a server with one database and one user.
type Postgres struct {
	Port                     int
	Database, User, Password string
	rig                      *Rig
	socket                   string
	as                       *syscall.Credential
}

// StartPostgres starts PostgreSQL on loopback, where the Cloud SQL proxy of a
// controller's pod would listen. It refuses to run as root, so root starts it
// as the user postgres, which Debian's package makes.
func (r *Rig) StartPostgres(ctx context.Context, p Postgres) (*Postgres, error) {
	dir, err := r.Dir("postgres")
	if err != nil {
		return nil, err
	}
	p.rig, p.socket = r, dir
	if p.as, err = postgresUser(); err != nil {
		return nil, err
	}
	if p.as != nil {
		if err := os.Chown(dir, int(p.as.Uid), int(p.as.Gid)); err != nil {
			return nil, err
		}
	}
	data, password := filepath.Join(dir, "data"), filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(p.Password+"\n"), 0o644); err != nil { // a throw-away password of a server on loopback
		return nil, err
	}
	init, err := r.launch(Command{
		Name: "initdb", Program: "initdb", User: p.as,
		Args: []string{"--pgdata=" + data, "--username=" + p.User, "--pwfile=" + password, "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"},
	})
	if err != nil {
		return nil, fmt.Errorf("start initdb: %w", err)
	}
	<-init.done
	if init.err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", init.err, init.Tail(20))
	}
	_, err = r.Start(ctx, Command{
		Name: "postgres", Program: "postgres", User: p.as,
		Args: []string{"-D", data, "-p", strconv.Itoa(p.Port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + dir, "-c", "fsync=off"},
		Ready: func(ctx context.Context) error {
			_, err := p.on(ctx, "postgres", "select 1")
			return err
		},
		Stop: syscall.SIGINT, // "fast": connections are closed
	})
	if err != nil {
		return nil, err
	}
	_, err = p.on(ctx, "postgres", fmt.Sprintf("create database %q", p.Database))
	return &p, err
}

// Query runs SQL in the database and returns rows as lines, fields parted by |.
func (p *Postgres) Query(ctx context.Context, sql string) (string, error) {
	return p.on(ctx, p.Database, sql)
}

func (p *Postgres) on(ctx context.Context, database, sql string) (string, error) {
	return p.rig.Run(ctx, []string{"PGPASSWORD=" + p.Password},
		"psql", "--host=127.0.0.1", "--port="+strconv.Itoa(p.Port), "--username="+p.User, "--dbname="+database, "--no-psqlrc",
		"--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command="+sql)
}

func postgresUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
