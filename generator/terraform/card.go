package terraform

import (
	"slices"
	"strings"
)

// Schema is what is known of a kind of resource or data source: the attributes
// and blocks that may be written, each with its path ("settings.tier"), and the
// page of the provider's documentation that says so.
type Schema struct {
	Name   string
	Source string
	paths  []string
}

// Known returns what is known of a resource of the google provider, version 7,
// by its type; a data source's type begins with "data.". Nothing else is ever
// rendered: an attribute that is not in the table was never looked up.
func Known(kind string) (Schema, bool) {
	source, text := card(kind)
	if text == "" {
		return Schema{}, false
	}
	paths := append(strings.Fields(text), "depends_on", "lifecycle", "lifecycle.prevent_destroy", "lifecycle.ignore_changes")
	return Schema{Name: kind, Source: "hashicorp/terraform-provider-google website/docs/" + source + ".html.markdown", paths: paths}, true
}

// Has reports whether an attribute or block may be written.
func (k Schema) Has(path string) bool {
	return slices.Contains(k.paths, path)
}

// card is the table itself. The pages were read at version 7.45.0 of the
// provider; what conflicts with Autopilot is in none of the rendered clusters.
func card(kind string) (source, paths string) {
	switch kind {
	case "google_container_cluster":
		return "r/container_cluster", `name location deletion_protection min_master_version enable_autopilot
			remove_default_node_pool initial_node_count datapath_provider network subnetwork
			ip_allocation_policy ip_allocation_policy.cluster_secondary_range_name ip_allocation_policy.services_secondary_range_name
			private_cluster_config private_cluster_config.enable_private_nodes private_cluster_config.enable_private_endpoint
			private_cluster_config.master_ipv4_cidr_block
			master_authorized_networks_config master_authorized_networks_config.cidr_blocks
			master_authorized_networks_config.cidr_blocks.cidr_block master_authorized_networks_config.cidr_blocks.display_name
			control_plane_endpoints_config control_plane_endpoints_config.dns_endpoint_config
			control_plane_endpoints_config.dns_endpoint_config.allow_external_traffic
			release_channel release_channel.channel
			rbac_binding_config rbac_binding_config.enable_insecure_binding_system_authenticated
			rbac_binding_config.enable_insecure_binding_system_unauthenticated
			maintenance_policy maintenance_policy.recurring_window maintenance_policy.recurring_window.start_time
			maintenance_policy.recurring_window.end_time maintenance_policy.recurring_window.recurrence
			workload_identity_config workload_identity_config.workload_pool
			cluster_autoscaling cluster_autoscaling.auto_provisioning_defaults
			cluster_autoscaling.auto_provisioning_defaults.service_account cluster_autoscaling.auto_provisioning_defaults.oauth_scopes
			node_config ` + nodeConfigCard()
	case "google_container_node_pool":
		return "r/container_node_pool", `name cluster node_locations initial_node_count
			autoscaling autoscaling.total_min_node_count autoscaling.total_max_node_count autoscaling.location_policy
			management management.auto_repair management.auto_upgrade
			node_config ` + nodeConfigCard()
	case "google_storage_bucket":
		return "r/storage_bucket", `name location force_destroy public_access_prevention uniform_bucket_level_access
			versioning versioning.enabled soft_delete_policy soft_delete_policy.retention_duration_seconds
			lifecycle_rule lifecycle_rule.condition lifecycle_rule.condition.age lifecycle_rule.condition.num_newer_versions
			lifecycle_rule.condition.with_state lifecycle_rule.action lifecycle_rule.action.type`
	case "google_bigquery_dataset":
		return "r/bigquery_dataset", "dataset_id location delete_contents_on_destroy"
	case "google_bigquery_table":
		return "r/bigquery_table", "dataset_id table_id deletion_protection schema"
	case "google_artifact_registry_repository":
		return "r/artifact_registry_repository", `location repository_id format mode remote_repository_config
			remote_repository_config.docker_repository remote_repository_config.docker_repository.public_repository
			remote_repository_config.common_repository remote_repository_config.common_repository.uri`
	case "google_secret_manager_secret":
		return "r/secret_manager_secret", "project secret_id replication replication.auto"
	case "google_sql_database_instance":
		return "r/sql_database_instance", `name region database_version deletion_protection
			settings settings.tier settings.edition settings.availability_type settings.deletion_protection_enabled
			settings.backup_configuration settings.backup_configuration.enabled
			settings.backup_configuration.point_in_time_recovery_enabled
			settings.ip_configuration settings.ip_configuration.ipv4_enabled settings.ip_configuration.private_network
			settings.ip_configuration.ssl_mode settings.database_flags settings.database_flags.name settings.database_flags.value`
	case "google_sql_database":
		return "r/sql_database", "name instance"
	case "google_sql_user":
		return "r/sql_user", "name instance type"
	default:
		return smallCard(kind)
	}
}

func nodeConfigCard() string {
	return `node_config.machine_type node_config.spot node_config.disk_size_gb node_config.disk_type node_config.image_type
		node_config.labels node_config.service_account node_config.oauth_scopes node_config.metadata
		node_config.workload_metadata_config node_config.workload_metadata_config.mode
		node_config.shielded_instance_config node_config.shielded_instance_config.enable_secure_boot
		node_config.shielded_instance_config.enable_integrity_monitoring
		node_config.kubelet_config node_config.kubelet_config.insecure_kubelet_readonly_port_enabled
		node_config.guest_accelerator node_config.guest_accelerator.type node_config.guest_accelerator.count
		node_config.guest_accelerator.gpu_driver_installation_config
		node_config.guest_accelerator.gpu_driver_installation_config.gpu_driver_version
		node_config.taint node_config.taint.key node_config.taint.value node_config.taint.effect`
}

// smallCard is the part of the table whose rows are short: network and IAM.
func smallCard(kind string) (source, paths string) {
	switch kind {
	case "google_compute_network":
		return "r/compute_network", "name auto_create_subnetworks"
	case "google_compute_subnetwork":
		return "r/compute_subnetwork", `name region network ip_cidr_range private_ip_google_access
			secondary_ip_range secondary_ip_range.range_name secondary_ip_range.ip_cidr_range`
	case "google_compute_router":
		return "r/compute_router", "name region network"
	case "google_compute_router_nat":
		return "r/compute_router_nat", `name router region nat_ip_allocate_option source_subnetwork_ip_ranges_to_nat
			subnetwork subnetwork.name subnetwork.source_ip_ranges_to_nat log_config log_config.enable log_config.filter`
	case "google_compute_global_address":
		return "r/compute_global_address", "name purpose address_type address prefix_length network"
	case "google_service_networking_connection":
		return "r/service_networking_connection", "network service reserved_peering_ranges"
	case "google_service_account":
		return "r/google_service_account", "account_id display_name"
	case "google_project_iam_member":
		return "r/google_project_iam", "project role member"
	case "google_storage_bucket_iam_member":
		return "r/storage_bucket_iam", "bucket role member"
	case "google_bigquery_dataset_iam_member":
		return "r/bigquery_dataset_iam", "dataset_id role member"
	case "google_secret_manager_secret_iam_member":
		return "r/secret_manager_secret_iam", "project secret_id role member"
	case "google_artifact_registry_repository_iam_member":
		return "r/artifact_registry_repository_iam", "location repository role member"
	case "google_service_account_iam_member":
		return "r/google_service_account_iam", "service_account_id role member"
	case "data.google_project":
		return "d/project", "project_id"
	case "data.google_compute_network":
		return "d/compute_network", "name"
	case "data.google_compute_subnetwork":
		return "d/compute_subnetwork", "name region"
	default:
		return "", ""
	}
}
