DROP TRIGGER workflow_versions_node_types ON workflow_versions;
DROP FUNCTION keep_node_types;
DROP FUNCTION node_types_of;
ALTER TABLE workflow_versions DROP COLUMN node_types;
ALTER TABLE workers DROP COLUMN package_errors;
DROP TABLE node_packages;
DROP FUNCTION note_node_packages;
DROP TABLE node_packages_revision;
DROP TABLE node_package_wishes;
