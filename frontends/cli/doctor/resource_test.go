package doctor

import "testing"

// What gcloud must be told is in the names that Google gives.
func TestResource(t *testing.T) {
	for host, want := range map[string][2]string{
		"my-service-123456789012.europe-west1.run.app": {
			"--project=PROJECT --resource-type=cloud-run --region=europe-west1 --service=my-service", ""},
		"My-Service-x3k2a4qzwa-ew.a.run.app": {
			"--project=PROJECT --resource-type=cloud-run --region=REGION --service=my-service", ""},
		"my-project.appspot.com":                {"--project=my-project --resource-type=app-engine --service=default", ""},
		"my-project.ew.r.appspot.com":           {"--project=my-project --resource-type=app-engine --service=default", ""},
		"api-dot-my-project.ew.r.appspot.com":   {"--project=my-project --resource-type=app-engine --service=api", ""},
		"v2-dot-api-dot-my-project.appspot.com": {"--project=my-project --resource-type=app-engine --service=api", ""},
		"service.example.com": {"--project=PROJECT --resource-type=compute --service=SERVICE",
			"--project=PROJECT --resource-type=backend-services --service=SERVICE"},
		"x.run.app.evil.example": {"--project=PROJECT --resource-type=compute --service=SERVICE",
			"--project=PROJECT --resource-type=backend-services --service=SERVICE"},
	} {
		f := Facts{}
		resource(host, f)
		if want[1] == "" {
			want[1] = want[0]
		}
		if got := [2]string{f["settings_flags"], f["web_flags"]}; got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
}
