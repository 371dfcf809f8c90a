package doctor

import "strings"

var (
	// https://docs.cloud.google.com/run/docs/triggering/https-request#url
	runHost = pattern(`^([a-z][a-z0-9-]*?)-(\d{6,})\.([a-z]+-[a-z]+\d+)\.run\.app$`)
	runOld  = pattern(`^([a-z][a-z0-9-]*)-[a-z0-9]{10}-[a-z]{2}\.a\.run\.app$`)

	// https://docs.cloud.google.com/appengine/docs/standard/how-requests-are-routed
	appHost = pattern(`^(?:(?:[a-z0-9-]+-dot-)?([a-z0-9-]+)-dot-)?([a-z][a-z0-9-]*)(?:\.[a-z]{2}\.r)?\.appspot\.com$`)
)

// resource adds what gcloud needs to know of the service at host to facts, as far
// as its name tells. Where it does not, it is taken for a backend of a load
// balancer.
func resource(host string, facts Facts) {
	host = strings.ToLower(host)
	if m := runHost().FindStringSubmatch(host); m != nil {
		facts["service"], facts["project_number"], facts["region"] = m[1], m[2], m[3]
	} else if m := runOld().FindStringSubmatch(host); m != nil {
		facts["service"] = m[1]
	} else if m := appHost().FindStringSubmatch(host); m != nil {
		service := m[1]
		if service == "" {
			service = "default"
		}
		flags := "--project=" + m[2] + " --resource-type=app-engine --service=" + service
		facts["settings_flags"], facts["web_flags"] = flags, flags
		return
	} else {
		facts["settings_flags"] = "--project=PROJECT --resource-type=compute --service=SERVICE"
		facts["web_flags"] = "--project=PROJECT --resource-type=backend-services --service=SERVICE"
		return
	}
	flags := facts.Expand("--project=PROJECT --resource-type=cloud-run --region={region} --service={service}")
	facts["settings_flags"], facts["web_flags"] = flags, flags
}
