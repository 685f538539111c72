//! Command lines, one a line. They work in the directory that `sample` has.

pub const ALL: &str = "
# rm
rm f
rm -f f none d/none f/none none/none
rm none
rm f/none
rm d
rm -f d
rm -r d
rm -rf d e none
rm -fr -- d
rm -R l ld
rm l; rm lx
rm -r ld/
rm -d e
rm -d d
rm h1
rm h2
rm -rf h1 f
rm -f
rm
rm -r .
rm -r d/.
rm -r d/..
rm -rf 'a b'
rm -v f l 'a b'
rm -rv e f n
rm -vd e
rm f/
rm -f f/
rm l/
rm ld/
rm d/sub/g d/x
rm -rf d/sub/
rm -r d/l d/ld
rm --force --recursive d
rm pipe

# rmdir
rmdir e
rmdir e/
rmdir d
rmdir --ignore-fail-on-non-empty d e
rmdir -p n/m/o
rmdir -p n/m/o/
rmdir -p --ignore-fail-on-non-empty d/sub/deep
rmdir -p d/sub/deep
rmdir none
rmdir --ignore-fail-on-non-empty none
rmdir f
rmdir ld
rmdir ld/
rmdir e/.
rmdir -v e
rmdir -pv n/m/o
rmdir --ignore-fail-on-non-empty f
rmdir

# chmod
chmod 600 f
chmod 0755 d/sub
chmod 755 d/sub
chmod 00755 d/sub
chmod 4711 f
chmod u=rwX,go= f d d/x
chmod -R u=rwX,go= d
chmod -R go-rwx d n
chmod -R a+rX d
chmod -R 700 ld
chmod -R g+s n
chmod 700 ld
chmod 600 l
chmod 600 lx
chmod -f 600 none
chmod 600 none f
chmod +x f
chmod -x d/x
chmod a-x,u+s d/x
chmod -w f
chmod -- -w f
umask 077; chmod +rw f
umask 077; chmod -w f
umask 027; chmod =rw f f2
umask 002; chmod -rw f
chmod +s f f2
chmod u+s,g-s g6
chmod g=u,o=g f2
chmod o=u-w f
chmod =755 d/sub
chmod +111 f
chmod -111 d/x
chmod 1777 s
chmod 0 f
chmod o+t n
chmod +t n
chmod a=rx,ug+w f
chmod u+ f
chmod u+-x d/x
chmod u+z f
chmod 888 f
chmod 77777 f
chmod
chmod 644
chmod 644 h2
chmod --reference=d/sub e f
chmod --reference=none e
chmod --reference=g6 f
chmod -R -x d
chmod -R o=u t
chmod a+X f d/x e
chmod ug+rws,o-rwx d/sub
chmod 644 d/sub/../f
chmod u=g f2
chmod g-s,o+w d/sub
chmod 6755 e
chmod 6000 e; chmod 755 e
chmod 644 f/
chmod 755 d/ ld/
chmod =,u+r f
chmod u=,g=,o= f
chmod ,u+r f
chmod u+r, f

# chown and chgrp
chown 12 f
chown 12:13 f d
chown mail f
chown mail: f
chown mail:adm f
chown mail.adm f
chown root.nosuchgroup f
chown :adm f
chown nosuchuser f
chown mail:nosuchgroup f
chown 12: f
chown +8:+4 f
chown : f
chown '' f
chown -R mail:mail d
chown -R 12:13 ld
chown -RH 12:13 ld
chown -R -H 12 d
chown -RP 12 ld
chown -h 12 l lx ld
chown -h 12:13 d
chown 12 l
chown 12 ld
chown 12 lx
chown -f 12 none
chown 12 none f
chown 12 g6 d/x
chown 1:1 g6
chown :1 g6
chown -R 0:0 d
chown 12 s d/sub
chown --reference=f2 f
chown --reference=none f
chown --from=daemon 12 f f2
chown --from=:adm 12:12 f f2
chown --from=1:4 12 f2
chown --from=1:5 12 f2
chown --from=nosuchuser 12 f2
chown --no-dereference 12 l
chown --dereference 12 l
chown -R --dereference 12 d
chown -R -h 12 ld
chown -RHh 12 ld
chown
chown 12
chown 12 h2
chown -R 12 f
chown root:staff e
chown -- -1 f
chown 4294967295 f
chgrp adm f
chgrp 13 f d
chgrp -R mail d
chgrp nosuchgroup f
chgrp -h 13 l
chgrp 13 l
chgrp '' f
chgrp 13 g6
chgrp --reference=f2 f
chgrp mail: f

# mkdir
mkdir x
mkdir x/
mkdir e
mkdir -p e
mkdir f
mkdir -p f
mkdir -p f/x
mkdir x/y
mkdir -p x/y/z
mkdir -p x//y///z//
mkdir -p x/../y
mkdir -p e/./q
mkdir -m 700 x
mkdir -m 1777 x
mkdir -m 2750 x
mkdir -m u=rwx,go= x
mkdir -m g+s x
mkdir -m a-w x
mkdir -m =rx x
mkdir -m +t x
mkdir -p -m 700 x/y
mkdir -pm 2775 x/y
mkdir -p -m 700 d
mkdir -m 700 d
umask 077; mkdir x
umask 077; mkdir -p x/y
umask 077; mkdir -m 755 x
umask 077; mkdir -m g+w x
umask 777; mkdir -p x/y
umask 027; mkdir -p -m 755 x/y
mkdir s/x
mkdir -p s/x/y
mkdir -m 700 s/x
mkdir -m 00700 s/x
mkdir -m g-s s/x
mkdir -m a=rx s/x
mkdir -m 2700 s/x
mkdir -m u=rwx,g=rx,o= s/x
mkdir lx
mkdir -p lx
mkdir ld
mkdir -p ld
mkdir -p ld/new
mkdir -p lx/new
mkdir x y e z
mkdir -v x
mkdir -pv x/y/z
mkdir -m 888 x
mkdir
mkdir ''
mkdir .
mkdir -p .
mkdir -Z x
mkdir --parents --mode=0711 x/y

# mv
mv f x
mv f e
mv f e/
mv f f2
mv f d
mv f f
mv h1 h2
mv h1 x
mv h1 f
mv f h1
mv none x
mv f none/x
mv f x/
mv d x
mv d x/
mv d/ x
mv d e
mv d d
mv d d/sub
mv d/sub e
mv e d/sub
mv f t
mv d t
mv t/d .
mv -T e x
mv -T d e
mv -T e d
mv -T f e
mv -T e f
mv -T d t
mv -t e f f2
mv -t none f
mv f f2 e
mv f f2 none
mv f t/f e
mv l x
mv l f
mv f l
mv lx x
mv l e
mv l/ x
mv ld/ x
mv ld x
mv f lx
mv f ld
mv -f f f2
mv -n f x
mv -fn f x
mv -v f x
mv -v f f2 e
mv d/sub/deep d/sub/deeper
mv d/.. x
mv . x
mv pipe x
mv 'a b' e
mv --strip-trailing-slashes d/ x
mv f
mv
mv -t e
mv -t e -T f
mv h1 e; mv h2 e
mv d e; chmod 600 e/d/f
mv g6 s
mv e s
mv f f/x
mv e/ f

# ln
ln -s f x
ln -s none x
ln -s f d
ln -s f f2
ln -sf f f2
ln -sf none l
ln -sf x ld
ln -sfn x ld
ln -snf x ld
ln -sn x ld
ln -sT x ld
ln -sfT x ld
ln -sfT x e
ln -sfn x e
ln -sf x e
ln -s d/f
ln -s d/f d/x e
ln -s d/f d/x none
ln -st e f f2
ln -s f none/x
ln -s f x/
ln -sf l l
ln -sf f f
ln -sf ./f f
ln -sf d/f f
ln -s '' x
ln -s 'a b' y
ln -sr f x
ln -sr d/f e/x
ln -sr f e
ln -sr d e/x
ln -srf d/sub/g e/x
ln -sr l e/x
ln -sr ld/f e/x
ln -sr none e/x
ln -r f x
ln -s / x
ln -s ../f e
ln -s ../f e/
ln f x
ln f e
ln f f2
ln -f f f2
ln -f f f
ln -f h1 h2
ln h1 x
ln h2 x
ln f none/x
ln none x
ln d x
ln f d/x
ln f f2 e
ln f t/f e
ln -f f t/f e
ln d/f
ln -v f x
ln -sv f x
ln -sfv f f2
ln
ln -s
ln -T f x
ln -T f e
ln f x; rm f; chmod 600 x
ln f x; mv f y
ln -s f s/x
ln -sf f pipe
ln -P f x

# cp
cp f x
cp f e
cp f e/
cp f none/
cp f f2
cp -f f f2
cp f f
cp f l
cp l f
cp f ld
cp f lx
cp -f f lx
cp --remove-destination f lx
cp --remove-destination f l
cp --remove-destination f f2
cp --remove-destination f f
cp --remove-destination h1 h2
cp l x
cp -P l x
cp -d l x
cp -P l f2
cp -P l lx
cp -P l l
cp -P lx l
cp -L lx x
cp lx x
cp ld x
cp d x
cp -r d x
cp -r d e
cp -r d/. e
cp -r d/ e
cp -R ld x
cp -RH ld x
cp -RL d/sub x
cp -r ld/ x
cp -rT d e
cp -rT d x
cp -a d x
cp -a d e
cp -a l ld lx e
cp -a h1 h2 e
cp -a h1 x
cp -r h1 h2 e
cp -d h1 h2 e
cp -p f2 x
cp -p f2 f
cp -p f2 h1
cp -a f2 h1
cp f2 h1
cp -p g6 x
cp -p d/x e
cp g6 x
cp g6 f
cp -a g6 x
cp -a s x
cp -r s x
cp s/none x
cp -r f x
cp -rp d x
umask 077; cp f x
umask 077; cp -r d x
umask 077; cp -a d x
umask 077; cp -p d/x x
umask 000; cp f2 x
umask 002; cp -r d x
cp f s
cp -p f s
cp -a f s
cp -r d s
cp g6 s
cp f f2 e
cp f t/f e
cp f f e
cp f f2 none
cp f d e
cp -r f d e
cp -n f f2
cp -n f x
cp -rn d t
cp -t e f f2
cp -T f e
cp -T f ld
cp -rT d f
cp -r d t
cp -r t d
cp -r t/d .
cp -l f x
cp -l f f2
cp -lf f f2
cp -lf f lx
cp -s f f2
cp -sf f f2
cp --remove-destination l l
cp -rl d/sub x
cp -l h1 h2
cp -s f x
cp -s d/f .
cp -s d/f x
cp -s d/f e/x
cp --preserve=mode g6 x
cp --preserve=ownership g6 x
cp --preserve=mode,ownership g6 x
cp --preserve f2 x
cp --preserve=all f2 x
cp --preserve=links h1 h2 e
cp --preserve=timestamps f2 x
cp -a --no-preserve=ownership f2 x
cp -a --no-preserve=mode d/x x
cp -a --no-preserve=mode d/sub x
cp -p --no-preserve=mode f2 x
cp --no-preserve=mode d/x x
umask 077; cp --preserve=ownership f2 x
cp -v f x
cp -v f f2 e
cp -av e x
cp -rv t/f e
mkdir -m o+t x
mkdir -m +rt x
mkdir -m g+w,+t x
mkdir -m +s,+t x
install -d -m g+w e
install -d -m g+w,o=rx x
install -d -o mail -m g+w,o=rx x
install -d -o mail -m +t d
realpath -s f/../x
realpath -s ld/
cp none x
cp f none/x
cp f f/x
cp f
cp
cp -t e
cp -a pipe x
cp -r pipe x
cp /dev/null x
cp /dev/null f2
cp -f /dev/null f2
cp 'a b' x
cp -a lx e
cp -a ld/ x
cp -a ld e
cp -a d/. e
cp -a n x
cp -rp n x
cp -x f x
cp -Z f x
cp -ra ld x
cp -dT l x
cp -dp l x
cp -P d/l d/ld e
cp -L d/l d/x e
cp -rP d x
cp d/f d/x d/sub/g .
cp -H l x
cp -d ld x

# install
install f x
install -m 600 f x
install -m 600 -o mail -g adm f x
install -o 12 f x
install -o nosuchuser f x
install -g nosuchgroup f x
install -m 4755 f x
install -m u=rw,go=r f x
install -m a+r f x
install f f2
install f l
install l x
install f lx
install f ld
install -T f ld
install f e
install f f2 e
install f t/f e
install -t e f f2
install -D f x/y/z
install -D -t x/y f f2
install -Dm644 f x/y/z
install -D f e/y
install f none/x
install f x/
install d x
install d/ e
install f f
install -d x
install -d x/y/z e
install -d -m 700 x/y
install -d -m 700 d
install -d d/sub
install -d -m 755 d/sub
install -d -m 2750 d/sub
install -d -m 755 s/x
install -d s/x
install -d -o mail -g mail -m 2755 x/y
install -d -omail -gadm -m750 x
install -d -o mail d
install -d f
install -d lx
install -d ld
install -d f/x
umask 077; install -d x/y
umask 077; install f x
umask 077; install -D f x/y
umask 077; install -d -m u=rwx,g=rx,o= x
install -m 644 /dev/null x
install --mode 644 /dev/null x/y
install -o root -g adm -m 0640 -Z /dev/null x
install -p f2 x
install -c f2 x
install -C f2 x
install f s
install -g adm f s
install -m 2755 f s
install h1 h2
install h1 f
install f h1
install -m 888 f x
install
install f
install -d
install -d ''
install --directory --owner=mail --group=adm --mode=0710 x

# readlink and realpath
readlink l
readlink f
readlink none
readlink -n l
readlink l ld lx
readlink -n l ld
readlink -f l
readlink -f lx
readlink -f none
readlink -f none/x
readlink -f ld/sub/g
readlink -f f/x
readlink -f f/
readlink -f none/
readlink -f ld/
readlink -f ld/..
readlink -f .
readlink -e lx
readlink -e l
readlink -e ld/l
readlink -m none/x/../y
readlink -m f/x/y
readlink -m lx/x
readlink -z l
readlink ld/
readlink l/
readlink
readlink ''
readlink -f ''
readlink -f /dev/null
readlink -f l none/x f
readlink -f none/.
readlink -f none/..
readlink -e d/
readlink -e f/.
readlink -m f/../x
readlink -qf l
readlink -nf l
realpath l
realpath lx
realpath none/x
realpath -e lx
realpath -m none/x
realpath -s l
realpath -s ld/../f
realpath -s -m none/../x
realpath -ms l
realpath -s none/x
realpath --relative-to=e f
realpath --relative-to=d ld/sub
realpath --relative-to=. l d/l
realpath -q none/x
realpath -z l
realpath . d
realpath

# touch
touch x
touch f
touch x y
touch d
touch none/x
touch -c x
touch lx
touch -h lx
touch x/
touch f/
touch f/x
touch -r f x
touch -r none x
touch -a x
touch -t 202001010000 x
umask 077; touch x
touch s/x
touch ld/x
touch
touch ''
touch g6

# the rest
truncate -s 0 f
truncate -s 2 f
truncate -s 6 f x
truncate -c -s 0 x
mkfifo x
mkfifo -m 600 x
mkfifo f
umask 077; mkfifo -m a+rw x
umask 077; mkfifo x
mknod x p
mknod -m 666 x c 1 3
mknod x b 7 0
mknod s/x c 1 3
mknod f c 1 3

# stat and ls
stat -c %a f d l s
stat -c '%U %G' f2
stat -c%a%u%g f2
stat -c '%F|%n|%s|%h' f h1 h2 l pipe
stat -c %F d s
stat -L -c '%a %F' l ld
stat -Lc %a lx
stat -c %a none f
stat -c %A f d/x d/sub s g6 pipe l n/m/o
stat -c %f f d l pipe
stat -c %04a f; stat -c %05a d/x
stat -c '%N' f l 'a b'
stat -c '%t:%T' f /dev/null
stat -c '100%%' f
stat --format=%a f
stat --printf '%a\\n' f d
touch x; stat -c %F x
chown 4711:4712 f; stat -c '%U %G %u' f
ls
ls d
ls -1 d e
ls -A d
ls -a d
ls -d d f none
ls -d ld
ls ld
ls -L ld
ls l lx
ls -L lx
ls none
ls none f
ls none d
ls f d e t
ls -r
ls -r f d t
ls f/
ls -A e
touch d/.h d/A d/a; ls d; ls -A d
ls ''

# find
find
find d
find d/ -name f
find . -name '*f*'
find . -iname 'F*'
find -type d
find d e f -type f,l
find -type l -name 'l*'
find ld
find -H ld
find ld/
find -L ld
find -L d -type l
find -H lx l
find d -follow -type d
find none
find none f
find d -maxdepth 0
find d -maxdepth 1
find d -mindepth 1 -maxdepth 1
find d -mindepth 2
find d -depth
find d -perm 644
find d -perm -4000
find d -perm /6000
find . -perm -u+w,g+w
find . -perm /o=w
find d -perm /000
find d -user root
find d -user mail
find . -group staff
find . -uid 8
find . -gid +4
find . -gid -4 -type f
find . ! -user root
find . -not -group root -a -type f
find . -user nosuchuser
find . -group nosuchgroup
find . -empty
find . -empty -type d
find . -type f -links 2
find . -type f -links +1
find . -type f -size 1
find . -type f -size +4c
find . -type f -size -1k
find . -type f -size 5c
find . -size 1q
find d -path 'd/sub*'
find d -path '*/sub/*' -prune -o -print
find d -name sub -prune -o -type f -print
find d -name sub -prune
find . -name d -prune -o -name '*f' -print0
find . '(' -name f -o -name g ')' -print
find . '!' '(' -type f -o -type d ')'
find . -name f -false -o -name g
find . -true -name 'a b'
find d -name f -quit
find d -printf '%p %P %f %h %d %m %y %l\\n' -name none
find f2 g6 -printf '%U:%G %u:%g %s%%\\n'
find d -type f -delete
find d -delete
find e -empty -delete
find d -mindepth 1 -delete
find d -name sub -delete
find . -name 'n*' -delete
find d -type f -exec chmod 600 '{}' ';'
find d -type f -exec chmod 600 '{}' +
find d -type f -exec chown 8:8 '{}' '+'
find d -type f -exec mv '{}' '{}.old' ';'
find d -type d -exec chmod g+s '{}' ';' -name sub -exec mkdir '{}/new' ';'
find d -type f -exec rm none ';' -print
find d -type f -exec rm none '{}' +
find d -depth -type d -exec rmdir '{}' ';'
find d -type f -exec rm '{}' ';' -o -type l -exec rm '{}' ';'
find d -exec
find d -name
find d -type z
find d -maxdepth x
find d -maxdepth -1
find d -perm 9
find '(' -name f
find d -name f g
find d -executable -type f
find d -xdev -name g
find . -wholename ./f
find d e -name '[!a-f]*'
find . -name 'a\\ b'
find . -name . -o -prune -print
find d -o
find d -a -name f
find d !
";
