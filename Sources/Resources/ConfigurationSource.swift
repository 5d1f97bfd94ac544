// From the files that control read to the configuration.
import ClusterConfig
import ClusterModel
import Privsep

/// The configuration in a bundle; nil where a file has errors, which control has reported before.
func loadConfiguration(_ bundle: ConfigurationBundle) -> Configuration? {
    func file(_ name: String, _ text: String) -> ConfigurationFile {
        ConfigurationFile(path: "\(bundle.configurationDirectory)/\(name)", bytes: Array(text.utf8))
    }
    // This process gets no keys and needs none.
    let keys = bundle.authKeys.isEmpty ? "auth 1\n1 crc\n" : bundle.authKeys
    let files = ConfigurationFiles(
        haConfig: file("ha.cf", bundle.haConfig), resources: file("haresources", bundle.haResources),
        keys: file("authkeys", keys))
    return ConfigurationReader.read(files: files, facts: SystemFacts(localNode: bundle.nodeName)).configuration
}
