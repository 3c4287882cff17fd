DROP TABLE node_questions;
