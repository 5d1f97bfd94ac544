// From the files that control read to the configuration.
import ClusterConfig
import ClusterModel
import Privsep

/// The configuration in a bundle, which has no keys; nil where a file has errors, which control has reported before.
func loadConfiguration(_ bundle: ConfigurationBundle) -> Configuration? {
    func file(_ name: String, _ text: String) -> ConfigurationFile {
        ConfigurationFile(path: "\(bundle.configurationDirectory)/\(name)", bytes: Array(text.utf8))
    }
    var keys = file("authkeys", "")
    keys.bytes = nil
    keys.isForbidden = true
    let files = ConfigurationFiles(
        haConfig: file("ha.cf", bundle.haConfig), resources: file("haresources", bundle.haResources), keys: keys)
    var facts = SystemFacts(localNode: bundle.nodeName)
    facts.userID = 65534
    return ConfigurationReader.read(files: files, facts: facts).configuration
}
