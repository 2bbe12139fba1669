package render

import (
	"strake/generator/spec"
	"strake/generator/terraform"
)

// Outputs of the persistent root that the ephemeral one reads.
const (
	outputProjectNumber = "project_number"
	outputNetwork       = "network"
	outputNodeAccount   = "node_service_account"
)

// outputs is what only Terraform knows, each a plain value: 'strake facts'
// records it for the spec, and the ephemeral root reads the persistent one's.
func (r *root) outputs() terraform.Content {
	if r.name == spec.Ephemeral {
		if r.e.Cluster.Existing {
			return nil
		}
		cluster := "google_container_cluster." + mainName
		out := terraform.Content{
			output("cluster_name", "Name of the cluster.", terraform.Reference(cluster+".name")),
			output("cluster_location", "Region or zone of the cluster.", terraform.Reference(cluster+".location")),
		}
		if r.e.Cluster.ControlPlane.DNSEndpoint {
			out = append(out, output("cluster_dns_endpoint", "Name that people with the right to reach the API server by.",
				terraform.Reference(cluster+".control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint")).Because("cluster.controlPlane.dnsEndpoint"))
		}
		return out
	}
	out := terraform.Content{
		terraform.NewBlock("data", "google_project", mainName).Because("cloud.project"),
		output(outputProjectNumber, "Number of the project. IAM names the ServiceAccounts of the cluster by it.", terraform.Reference("data.google_project."+mainName+".number")).Because("cloud.projectNumber"),
	}
	if len(r.vpc()) > 0 {
		out = append(out, output(outputNetwork, "Network that the cluster stands in.", r.networkID()).Because("network"))
	}
	if node := r.account(r.e.Account(spec.NodeAccount(r.e.Cluster.Name))); node != "" {
		out = append(out, output(outputNodeAccount, "Google service account that the nodes run as.", terraform.Reference(node+".email")).Because("cluster.name"))
	}
	for _, d := range r.e.Instances() {
		if d.Existing {
			continue
		}
		id, instance := identifier(d.Name), "google_sql_database_instance."+r.local("google_sql_database_instance", d.Name)
		from := databasePath(r.e, d.Name)
		out = append(out,
			output("sql_"+id+"_connection_name", "Name that the Cloud SQL proxy finds "+d.Name+" by.", terraform.Reference(instance+".connection_name")).Because(from),
			output("sql_"+id+"_private_ip", "Address of "+d.Name+" in the network.", terraform.Reference(instance+".private_ip_address")).Because(from),
		)
	}
	return out
}

func output(name, about string, value terraform.Reference) terraform.Part {
	return terraform.NewBlock("output", name).Has(
		terraform.Set("description", about),
		terraform.Set("value", value),
	)
}
