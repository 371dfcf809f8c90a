package metadata

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// A dir is what lies below a path: each a dir, a string, a list of strings, or a
// [http.HandlerFunc] for what must be asked for by its own path.
type dir map[string]any

const (
	root         = "computeMetadata/v1"
	accountsPath = root + "/instance/service-accounts/"
	identityPath = "/" + accountsPath + "default/identity"
)

// tree is all that the server has. Who is signed in stands where a machine has its
// service accounts. The default one is there also when nobody is: programs that find
// none say that there is no server, and not why there is no token.
func (h *handler) tree(st core.Status) dir {
	account := dir{
		"aliases": []string{"default"}, "email": st.Email, "scopes": slices.Concat([]string{}, st.Scopes),
		"identity": http.HandlerFunc(h.identity), "token": http.HandlerFunc(h.token),
	}
	accounts := dir{"default": account}
	if st.Email != "" {
		accounts[st.Email] = account
	}
	project := dir{}
	if h.config.Project != "" {
		project["project-id"] = h.config.Project
	}
	return dir{"computeMetadata": dir{"v1": dir{
		"instance": dir{"service-accounts": accounts}, "project": project, "universe": dir{"universe-domain": "googleapis.com"},
	}}}
}

// find returns what is at a path.
func (d dir) find(path string) (any, bool) {
	name, rest, deeper := strings.Cut(path, "/")
	found, ok := d[name]
	if !deeper {
		return found, ok
	}
	below, ok := found.(dir)
	if !ok {
		return nil, false
	}
	return below.find(rest)
}

// values are those that a list of everything has: no tokens.
func (d dir) values() map[string]any {
	all := make(map[string]any, len(d))
	for name, v := range d {
		switch v := v.(type) {
		case dir:
			all[name] = v.values()
		case http.HandlerFunc:
		default:
			all[name] = v
		}
	}
	return all
}

// list has a line for each name.
func (d dir) list() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d)) {
		b.WriteString(name)
		if _, ok := d[name].(dir); ok {
			b.WriteByte('/')
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// show answers with a value, as text or as JSON.
func show(w http.ResponseWriter, r *http.Request, v any) {
	q := r.URL.Query()
	d, isDir := v.(dir)
	recursive := isDir && q.Get("recursive") == "true"
	if recursive {
		v = d.values()
	}
	if recursive && q.Get("alt") != "text" || !isDir && q.Get("alt") == "json" {
		text, err := json.Marshal(v)
		if err != nil { // of strings
			refuse(w, r, http.StatusInternalServerError, err.Error())
			return
		}
		write(w, http.StatusOK, "application/json", string(text))
		return
	}
	switch v := v.(type) {
	case dir:
		answer(w, http.StatusOK, v.list())
	case []string:
		answer(w, http.StatusOK, strings.Join(v, "\n")+"\n")
	case string:
		answer(w, http.StatusOK, v)
	default: // recursive=true&alt=text
		refuse(w, r, http.StatusBadRequest, "recursive answers are JSON")
	}
}
