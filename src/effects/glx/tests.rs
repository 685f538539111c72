use super::*;
use crate::debian::Package;
use crate::effects::sample;
use crate::tree::{Kind, Node};

const FUNCTIONS: &str = r#"
TRIPLETS="/ /i386-linux-gnu/ /x86_64-linux-gnu/"
add_slave()
{
	target_link="$1"
	prefix="PREFIX--"
	echo --slave "${target_link}" "${prefix}${name}" "${source_path}"
}
	srcfile="${7:-$file}"
	s="$(add_multiarch_slave /usr/lib "" $library /usr/lib $vendor/)"
"#;

/// As in nvidia-alternative, with fewer links.
const NVIDIA_ALTERNATIVE: &str = r#"
	slaves="
		$(add_multiarch_slave /usr/lib "" libGLX_nvidia.so.0 /usr/lib nvidia/current/)
		$(add_multiarch_slave /usr/lib "" libcuda.so.1 /usr/lib nvidia/current/)
		$(add_multiarch_slave /usr/lib "" libcuda.so /usr/lib nvidia/current/)
		$(add_multiarch_slave /usr/lib gbm/ nvidia-drm_gbm.so /usr/lib nvidia/current/)
		$(add_slave /usr/bin/nvidia-smi nvidia-smi /usr/lib/nvidia/current/nvidia-smi)
"
	conf_slaves="
		$(add_multiarch_slave /usr/lib nvidia/ libnvidia-cfg.so.1 /usr/lib nvidia/current/)
"
	kmod_slaves="
		$(add_slave /etc/nvidia/nvidia-load.conf nvidia-load.conf /etc/nvidia/nvidia-550.1/nvidia-load.conf)
"
	kmod_open_slaves="
		$(add_slave /etc/nvidia/nvidia-load.conf nvidia-load.conf /etc/nvidia/550.1-open/nvidia-load.conf)
"
	libnvidia_ml_so_slave=
	libnvidia_ml_so_slave="$(add_multiarch_slave /usr/lib "" libnvidia-ml.so /usr/lib nvidia/current/)"
		update-alternatives --install /usr/lib/nvidia/nvidia nvidia /usr/lib/nvidia/current 550 $slaves $conf_slaves
		update-alternatives --install /usr/lib/nvidia/nvidia nvidia /usr/lib/nvidia/current-open $((550 - 1)) $slaves
"#;

/// As in glx-alternative-nvidia, with fewer links.
const GLX_NVIDIA: &str = r#"
	libGL_nvidia_enabler="
		$(add_multiarch_slave /usr/lib "" libGLX_nvidia.so.0 /usr/lib "")
"
	xorg_enabler="
		$(add_slave /usr/lib/xorg/modules/drivers/nvidia_drv.so nvidia_drv.so /usr/lib/nvidia/nvidia_drv.so)
"
	cuda_enabler="
		$(add_multiarch_slave /usr/lib "" libcuda.so /usr/lib)
"
	libGL_nvidia_slaves="
		$(search_multiarch_slave libGL.so.1 nvidia)
"
	libEGL_nvidia_slaves="
		$(search_multiarch_slave libEGL.so.1 nvidia)
"
	libGL_mesa_slaves="
		$(search_multiarch_slave libGL.so.1)
"
	libEGL_mesa_slaves="
		$(search_multiarch_slave libEGL.so.1)
"
	xorg_slaves="
		$xorg_enabler
"
	xorg_conf_slaves=""
		xorg_conf_slaves="
		$(add_slave /usr/share/X11/xorg.conf.d/x.conf x.conf /etc/nvidia/x.conf)
"
	kernel_manual_slaves=""
	kernel_auto_slaves="
		$kernel_manual_slaves
		$(add_slave /etc/modules-load.d/nvidia.conf nvidia-load.conf /etc/nvidia/nvidia-load.conf)
"
	misc_slaves="
		$(add_multiarch_slave /usr/lib "" libnvidia-cfg.so.1 /usr/lib nvidia/)
"
"#;

/// As in glx-alternative-mesa, with fewer links.
const GLX_MESA: &str = r#"
	slaves="$(add_multiarch_slave /usr/lib "" libGL.so.1 /usr/lib/mesa-diverted)
		$(add_multiarch_slave /usr/lib "" libEGL.so.1 /usr/lib/mesa-diverted)
"
	slave_indirect=
		slave_indirect="$(add_multiarch_slave /usr/lib "" libGLX_indirect.so.0 /usr/lib "" "" libGLX_mesa.so.0)"
	slaves="$(add_multiarch_slave /usr/lib "" libGL.so /usr/lib/mesa-diverted)
"
"#;

const GLX_DIVERSIONS: &str = r"
	add_multiarch_diversion libGL.so.1 /usr/lib /usr/lib/mesa-diverted
	add_multiarch_diversion libEGL.so.1 /usr/lib /usr/lib/mesa-diverted
";

const LIB: &str = "usr/lib/x86_64-linux-gnu";

fn package(name: &str, postinst: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: "1".to_owned(),
        arch: "amd64".to_owned(),
        fields: Vec::new(),
        control: [("postinst".to_owned(), postinst.as_bytes().to_vec())].into(),
        members: Vec::new(),
    }
}

fn packages() -> [Package; 4] {
    let functions = |prefix| FUNCTIONS.replace("PREFIX", prefix);
    [
        package("glx-alternative-mesa", &(functions("glx") + GLX_MESA)),
        package("glx-alternative-nvidia", &(functions("glx") + GLX_NVIDIA)),
        package("glx-diversions", &(functions("glx") + GLX_DIVERSIONS)),
        package("nvidia-alternative", &(functions("nvidia") + NVIDIA_ALTERNATIVE)),
    ]
}

/// The driver's directories, and these files.
fn tree(files: &[&str]) -> Tree {
    let mut tree = Tree::new();
    let libs = [LIB, "usr/lib/nvidia/current", "usr/lib/mesa-diverted/x86_64-linux-gnu", "usr/bin"];
    let settings = ["etc/nvidia", "etc/modules-load.d"];
    for dir in libs.into_iter().chain(settings).map(str::to_owned).chain([format!("{LIB}/nvidia/current")]) {
        tree.put_new(&dir, Node::dir(0o755)).unwrap();
    }
    for file in files {
        tree.put(&file.replace("LIB", LIB), Node::file(0o755, "")).unwrap();
    }
    tree
}

fn run(tree: &mut Tree, packages: &[Package]) -> Result<(), EffectError> {
    let profile = sample::profile();
    glx(tree, &Context { packages, ..sample::context(&profile) })
}

/// Where a link leads in the end, if that is a file.
fn leads_to(tree: &Tree, link: &str) -> Option<String> {
    let place = tree.resolve(link, true).unwrap();
    matches!(tree.get(&place)?.kind, Kind::File(_)).then_some(place)
}

fn record(tree: &Tree, name: &str) -> Option<String> {
    tree.file(&format!("var/lib/dpkg/alternatives/{name}")).map(|content| content.text().unwrap())
}

const CUDA: [&str; 5] = [
    "LIB/nvidia/current/libcuda.so.1",
    "LIB/nvidia/current/libcuda.so",
    "LIB/nvidia/current/libnvidia-cfg.so.1",
    "LIB/nvidia/current/libnvidia-ml.so",
    "usr/lib/nvidia/current/nvidia-smi",
];

#[test]
fn a_node_for_computing_finds_cuda_by_the_names_that_programs_use() {
    let mut tree = tree(&CUDA);
    run(&mut tree, &packages()).unwrap();
    for (link, file) in [
        ("usr/bin/nvidia-smi", "usr/lib/nvidia/current/nvidia-smi"),
        ("usr/lib/x86_64-linux-gnu/libcuda.so.1", "usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.1"),
        // Through both alternatives.
        ("usr/lib/x86_64-linux-gnu/libnvidia-cfg.so.1", "usr/lib/x86_64-linux-gnu/nvidia/current/libnvidia-cfg.so.1"),
    ] {
        assert_eq!(leads_to(&tree, link).as_deref(), Some(file));
    }
    // Without the header nobody links against it.
    assert!(!tree.contains(&format!("{LIB}/libnvidia-ml.so")));
    assert_eq!(
        record(&tree, "nvidia").unwrap(),
        "auto\n/usr/lib/nvidia/nvidia\n\
         nvidia--libcuda.so-x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu/libcuda.so\n\
         nvidia--libcuda.so.1-x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu/libcuda.so.1\n\
         nvidia--libnvidia-cfg.so.1-x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu/nvidia/libnvidia-cfg.so.1\n\
         nvidia--nvidia-smi\n/usr/bin/nvidia-smi\n\n\
         /usr/lib/nvidia/current\n550\n\
         /usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so\n\
         /usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.1\n\
         /usr/lib/x86_64-linux-gnu/nvidia/current/libnvidia-cfg.so.1\n\
         /usr/lib/nvidia/current/nvidia-smi\n\n"
    );
    assert_eq!(
        record(&tree, "glx").unwrap(),
        "auto\n/usr/lib/glx\nglx--libnvidia-cfg.so.1-x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu/libnvidia-cfg.so.1\n\n\
         /usr/lib/nvidia\n100\n/usr/lib/x86_64-linux-gnu/nvidia/libnvidia-cfg.so.1\n\n"
    );
    assert_eq!(record(&tree, "libGL.so-master"), None);
}

#[test]
fn settings_of_the_open_modules_take_the_place_of_the_others() {
    let mut tree = tree(&CUDA);
    tree.put("etc/nvidia/550.1-open/nvidia-load.conf", Node::file(0o644, "")).unwrap();
    run(&mut tree, &packages()).unwrap();
    let loaded = leads_to(&tree, "etc/modules-load.d/nvidia.conf");
    assert_eq!(loaded.as_deref(), Some("etc/nvidia/550.1-open/nvidia-load.conf"));
    let record = record(&tree, "nvidia").unwrap();
    assert!(record.contains("\n\n/usr/lib/nvidia/current-open\n549\n"), "{record}");
    assert!(!record.contains("/usr/lib/nvidia/current\n"), "{record}");
}

#[test]
fn with_settings_of_both_kinds_of_modules_the_proprietary_ones_win() {
    let mut tree = tree(&CUDA);
    for dir in ["550.1-open", "nvidia-550.1"] {
        tree.put(&format!("etc/nvidia/{dir}/nvidia-load.conf"), Node::file(0o644, "")).unwrap();
    }
    run(&mut tree, &packages()).unwrap();
    let loaded = leads_to(&tree, "etc/modules-load.d/nvidia.conf");
    assert_eq!(loaded.as_deref(), Some("etc/nvidia/nvidia-550.1/nvidia-load.conf"));
    assert!(record(&tree, "nvidia").unwrap().contains("/usr/lib/nvidia/current-open\n549\n"));
}

#[test]
fn opengl_is_diverted_and_found_again_by_its_own_name() {
    let mut tree = tree(&["LIB/libGL.so.1.7.0", "LIB/libGLX_mesa.so.0"]);
    tree.put(&format!("{LIB}/libGL.so.1"), Node::symlink("libGL.so.1.7.0")).unwrap();
    tree.put("usr/lib/mesa-diverted/x86_64-linux-gnu/libGL.so.1.7.0", Node::file(0o644, "")).unwrap();
    let packages = packages();
    run(&mut tree, &packages).unwrap();
    let diverted = "usr/lib/mesa-diverted/x86_64-linux-gnu/libGL.so.1";
    assert!(matches!(&tree.get(diverted).unwrap().kind, Kind::Symlink(to) if to == "libGL.so.1.7.0"));
    assert_eq!(leads_to(&tree, &format!("{LIB}/libGL.so.1")), Some(format!("{diverted}.7.0")));
    assert_eq!(leads_to(&tree, &format!("{LIB}/libGLX_indirect.so.0")), Some(format!("{LIB}/libGLX_mesa.so.0")));
    assert!(record(&tree, "glx").unwrap().contains("\n\n/usr/lib/mesa-diverted\n5\n"));
    // All names that are diverted are recorded, whether there is a file or not.
    let database = diversions::database(&packages).unwrap();
    assert_eq!(database.lines().count(), 3 * 2 * 3);
    assert!(database.contains(&format!("/{LIB}/libGL.so.1\n/{diverted}\nglx-diversions\n")), "{database}");
}

#[test]
fn where_nvidias_opengl_is_there_too_it_comes_first() {
    let mut tree = tree(&["LIB/libGL.so.1", "LIB/nvidia/current/libGLX_nvidia.so.0"]);
    run(&mut tree, &packages()).unwrap();
    let record = record(&tree, "glx").unwrap();
    for choice in ["/usr/lib/mesa-diverted\n5\n", "/usr/lib/nvidia\n100\n", "/usr/lib/nvidia/bumblebee\n95\n"] {
        assert!(record.contains(choice), "{record}");
    }
    assert!(matches!(&tree.get("etc/alternatives/glx").unwrap().kind, Kind::Symlink(to) if to == "/usr/lib/nvidia"));
}

#[test]
fn without_these_packages_there_is_nothing_to_do() {
    let mut tree = tree(&CUDA);
    let before = tree.len();
    run(&mut tree, &[]).unwrap();
    assert_eq!((tree.len(), diversions::database(&[]).unwrap().as_str()), (before, ""));
}

#[test]
fn a_script_that_keeps_its_links_elsewhere_is_refused() {
    let mut packages = packages();
    let changed = (FUNCTIONS.to_owned() + NVIDIA_ALTERNATIVE).replace("conf_slaves", "settings");
    packages[3] = package("nvidia-alternative", &changed);
    let error = run(&mut tree(&CUDA), &packages).unwrap_err();
    assert!(error.to_string().contains("package nvidia-alternative: its postinst"), "{error}");
    assert!(error.to_string().contains("no list `conf_slaves` of links"), "{error}");
    assert!(error.hint().is_some());
}
