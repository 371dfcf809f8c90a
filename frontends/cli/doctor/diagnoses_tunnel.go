package doctor

// Why a port is not reached through IAP's TCP forwarding.
const (
	codeTunnelScope    Code = "tunnel-scope"
	codeTunnelRole     Code = "tunnel-role"
	codeTunnelInstance Code = "tunnel-instance"
	codeTunnelPort     Code = "tunnel-port"
	codeTunnelFirewall Code = "tunnel-firewall"
	codeTunnelPolicy   Code = "tunnel-policy"
	codeTunnelRelay    Code = "tunnel-relay"
)

// tunnelDiagnoses are of https://docs.cloud.google.com/iap/docs/using-tcp-forwarding,
// and of what the relay's codes mean; see package tunnel.
func tunnelDiagnoses() []Diagnosis {
	failed := func(id Code, exit int, title, cause string, do ...string) Diagnosis {
		return Diagnosis{Code: id, Check: Tunnel, Level: Fail, Exit: exit, Title: title, Cause: cause, Do: do}
	}
	scope := failed(codeTunnelScope, exitFailed, "the access token of profile {profile} is not for TCP forwarding",
		"It lacks the scope {scope}, which the relay wants. The scopes of a session are those of its sign-in.",
		"Use a profile of its own, which asks for the scope.")
	scope.Commands = []string{"tokentoss profile add cloud --scope {scope}", "tokentoss --profile cloud login"}
	role := failed(codeTunnelRole, exitRefused, "IAP does not admit {email} to port {port} of {instance}",
		"The account lacks roles/iap.tunnelResourceAccessor on the instance or the project, a condition of the role refuses this port, or there is no project {project}.",
		"An administrator of the project gives {email} the role. It counts after some minutes.", "See whether the project is the right one.")
	role.Commands = []string{"gcloud projects add-iam-policy-binding {project} \\\n    --member={member} --role=roles/iap.tunnelResourceAccessor"}
	instance := failed(codeTunnelInstance, exitFailed, "there is no instance {instance} where it was looked for",
		"The relay finds none of that name in {place} of project {project}. An instance that was created moments ago is not found either.",
		"See which instances there are, and in which zone.")
	instance.Commands = []string{"gcloud compute instances list --project={project}"}
	port := failed(codeTunnelPort, exitFailed, "nothing answers at port {port} of {instance}",
		"The relay reached the instance, or a firewall rule that rejects, and was refused: no program listens on the port, or only on 127.0.0.1.",
		"Start the program that is to listen there, on the address of the network interface.",
		"See whether a firewall on the instance itself rejects connections from 35.235.240.0/20.")
	firewall := failed(codeTunnelFirewall, exitFailed, "the relay gets no answer from port {port} of {instance}",
		"That is so where no firewall rule of the network lets 35.235.240.0/20, the addresses of IAP, reach the port; or where the instance is stopped.",
		"Add a rule.", "Start the instance.")
	firewall.Commands = []string{"gcloud compute firewall-rules create allow-iap-{port} --project={project} \\\n    --network=NETWORK --direction=INGRESS --allow=tcp:{port} --source-ranges=35.235.240.0/20"}
	return []Diagnosis{
		scope, role, instance, port, firewall,
		failed(codeTunnelPolicy, exitRefused, "a policy prohibits TCP forwarding to {instance}",
			"A constraint of the organization, VPC Service Controls, or a proxy on the way refuses before roles count.",
			"Ask an administrator of the organization."),
		failed(codeTunnelRelay, exitFailed, "the relay of TCP forwarding does not answer as it should",
			"It cannot be reached, a proxy on the way takes no WebSockets, or something else answers in its place.",
			"See whether this network lets WebSockets to {relay} through: add it to NO_PROXY, or ask who runs the proxy."),
	}
}
