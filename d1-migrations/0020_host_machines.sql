-- What a host is made of, as its agent says in detail (store/machine.rs): processors, disks, file systems, interfaces. Here, where it costs
-- neither readers nor the hub a row more; NULL where nobody said it. Readers of Mackerel's API alone ask for it.
ALTER TABLE host_states ADD COLUMN machine_json TEXT;
