// SPDX-License-Identifier: GPL-2.0-only
/*
 * caec_vsock.ko: a transport of AF_VSOCK to other realms. This module knows nothing of shared
 * memory: a program reads each peer's packets from /dev/csm-vsock and writes those that come from
 * it, as with a TUN device. The protocol is the one of virtio, from the stock kernel's module.
 *
 * The peer is hostile. What it sends reaches the kernel as a private copy. Its CIDs are replaced,
 * so it cannot speak for another realm. The memory that it can occupy is bounded: received data by
 * the credit of each socket, what waits to be read by QUEUE_MOST and by ANSWERS_MOST.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/virtio_vsock.h>

#include "abi/uapi/csm_vsock.h"

#define QUEUE_MOST   (4 << 20)   /* bytes that wait for a peer before senders sleep */
#define ANSWERS_MOST 256         /* packets that wait and that the peer has caused itself */
#define SEND_MOST    (256 << 10) /* bytes of one send */

static_assert(sizeof(struct virtio_vsock_hdr) == CSM_VSOCK_HEADER);
static_assert(VIRTIO_VSOCK_MAX_PKT_BUF_SIZE == CSM_VSOCK_PAYLOAD);

/* An open file: a peer once it has a CID. */
struct peer {
	struct list_head list; /* of peers, with a CID */
	u32 cid;               /* 0: none yet */
	struct sk_buff_head queue;
	size_t bytes; /* of memory in the queue, under its lock */
	unsigned int answers;
	bool is_full;
	struct task_struct *writer;
	struct mutex writing;
	wait_queue_head_t change;
};

static LIST_HEAD(peers);
static DEFINE_SPINLOCK(peers_lock);

/* A peer by its CID, under RCU; NULL: there is none. */
static struct peer *find(u32 cid)
{
	struct peer *peer;

	list_for_each_entry_rcu (peer, &peers, list) {
		if (peer->cid == cid) {
			return peer;
		}
	}
	return NULL;
}

/* ---------------------------------------------------------------------- queue */

/* Adds a packet to the counts of the queue, whose lock is held. */
static void count_in(struct peer *peer, const struct sk_buff *skb)
{
	peer->bytes += skb->truesize;
	peer->answers += skb->mark != 0;
}

/* Takes a packet out of the counts of the queue, whose lock is held. */
static void count_out(struct peer *peer, const struct sk_buff *skb)
{
	peer->bytes -= skb->truesize;
	peer->answers -= skb->mark != 0;
}

/* Queues a packet for the peer of its CID and takes it over. Its size, or -ENODEV: no such peer. */
static int transport_send(struct sk_buff *skb, struct net *net)
{
	u32 cid = le64_to_cpu(virtio_vsock_hdr(skb)->dst_cid);
	int size = skb->len;
	struct peer *peer;

	rcu_read_lock();
	peer = find(cid);
	if (!peer) {
		rcu_read_unlock();
		kfree_skb(skb);
		return -ENODEV;
	}
	skb->mark = READ_ONCE(peer->writer) == current;
	virtio_transport_deliver_tap_pkt(skb);
	spin_lock_bh(&peer->queue.lock);
	count_in(peer, skb);
	__skb_queue_tail(&peer->queue, skb);
	spin_unlock_bh(&peer->queue.lock);
	wake_up_interruptible(&peer->change);
	rcu_read_unlock();
	return size;
}

static struct sk_buff *take(struct peer *peer)
{
	struct sk_buff *skb;

	spin_lock_bh(&peer->queue.lock);
	skb = __skb_dequeue(&peer->queue);
	if (skb) {
		count_out(peer, skb);
	}
	spin_unlock_bh(&peer->queue.lock);
	return skb;
}

/* Drops what a socket that ends has queued. */
static int transport_cancel(struct vsock_sock *vsk)
{
	struct sk_buff *skb, *next;
	struct sk_buff_head dropped;
	struct peer *peer;

	__skb_queue_head_init(&dropped);
	rcu_read_lock();
	peer = find(vsk->remote_addr.svm_cid);
	if (peer) {
		spin_lock_bh(&peer->queue.lock);
		skb_queue_walk_safe(&peer->queue, skb, next)
		{
			if (skb->sk == sk_vsock(vsk)) {
				count_out(peer, skb);
				__skb_unlink(skb, &peer->queue);
				__skb_queue_tail(&dropped, skb);
			}
		}
		spin_unlock_bh(&peer->queue.lock);
	}
	rcu_read_unlock();
	__skb_queue_purge(&dropped);
	return peer ? 0 : -ENODEV;
}

/* Whether senders to a CID sleep; they wake when half of the queue has been read. */
static bool is_full(u32 cid)
{
	struct peer *peer;
	bool full;

	rcu_read_lock();
	peer = find(cid);
	full = peer && READ_ONCE(peer->bytes) >= QUEUE_MOST;
	if (full) {
		WRITE_ONCE(peer->is_full, true);
		/* A reader that has not seen this has emptied the queue before the second look. */
		smp_mb();
		full = READ_ONCE(peer->bytes) >= QUEUE_MOST;
	}
	rcu_read_unlock();
	return full;
}

/* ------------------------------------------------------------------ transport */

static bool transport_has_cid(struct vsock_sock *vsk, u32 cid)
{
	bool found;

	rcu_read_lock();
	found = find(cid) != NULL;
	rcu_read_unlock();
	return found;
}

static u32 transport_local_cid(void)
{
	return VMADDR_CID_HOST;
}

static bool transport_stream_allow(struct vsock_sock *vsk, u32 cid, u32 port)
{
	return vsock_net_mode_global(vsk);
}

static s64 transport_has_space(struct vsock_sock *vsk)
{
	return is_full(vsk->remote_addr.svm_cid) ? 0 : virtio_transport_stream_has_space(vsk);
}

static int transport_poll_out(struct vsock_sock *vsk, size_t target, bool *space)
{
	int ret = virtio_transport_notify_poll_out(vsk, target, space);

	*space = *space && !is_full(vsk->remote_addr.svm_cid);
	return ret;
}

/* The peer grants the credit, so it does not bound one send. */
static ssize_t transport_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	return virtio_transport_stream_enqueue(vsk, msg, min_t(size_t, len, SEND_MOST));
}

static struct virtio_transport transport = {
	.transport =
		{
			.module = THIS_MODULE,
			.get_local_cid = transport_local_cid,
			.has_remote_cid = transport_has_cid,
			.init = virtio_transport_do_socket_init,
			.destruct = virtio_transport_destruct,
			.release = virtio_transport_release,
			.connect = virtio_transport_connect,
			.shutdown = virtio_transport_shutdown,
			.cancel_pkt = transport_cancel,
			.dgram_bind = virtio_transport_dgram_bind,
			.dgram_dequeue = virtio_transport_dgram_dequeue,
			.dgram_enqueue = virtio_transport_dgram_enqueue,
			.dgram_allow = virtio_transport_dgram_allow,
			.stream_enqueue = transport_enqueue,
			.stream_dequeue = virtio_transport_stream_dequeue,
			.stream_has_data = virtio_transport_stream_has_data,
			.stream_has_space = transport_has_space,
			.stream_rcvhiwat = virtio_transport_stream_rcvhiwat,
			.stream_is_active = virtio_transport_stream_is_active,
			.stream_allow = transport_stream_allow,
			.notify_poll_in = virtio_transport_notify_poll_in,
			.notify_poll_out = transport_poll_out,
			.notify_recv_init = virtio_transport_notify_recv_init,
			.notify_recv_pre_block = virtio_transport_notify_recv_pre_block,
			.notify_recv_pre_dequeue = virtio_transport_notify_recv_pre_dequeue,
			.notify_recv_post_dequeue = virtio_transport_notify_recv_post_dequeue,
			.notify_send_init = virtio_transport_notify_send_init,
			.notify_send_pre_block = virtio_transport_notify_send_pre_block,
			.notify_send_pre_enqueue = virtio_transport_notify_send_pre_enqueue,
			.notify_send_post_enqueue = virtio_transport_notify_send_post_enqueue,
			.notify_buffer_size = virtio_transport_notify_buffer_size,
			.notify_set_rcvlowat = virtio_transport_notify_set_rcvlowat,
			.unsent_bytes = virtio_transport_unsent_bytes,
			.read_skb = virtio_transport_read_skb,
		},
	.send_pkt = transport_send,
};

/* --------------------------------------------------------------------- sockets */

/* Called under the lock of the table, so the socket stays. */
static void wake_sender(struct sock *sk)
{
	if (!is_full(vsock_sk(sk)->remote_addr.svm_cid)) {
		sk->sk_write_space(sk);
	}
}

/* A connection whose peer is no longer there gets ECONNRESET. */
static void reset_orphan(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	if (transport_has_cid(vsk, vsk->remote_addr.svm_cid) || vsk->close_work_scheduled) {
		return;
	}
	sock_set_flag(sk, SOCK_DONE);
	vsk->peer_shutdown = SHUTDOWN_MASK;
	sk->sk_state = SS_UNCONNECTED;
	sk->sk_err = ECONNRESET;
	sk_error_report(sk);
}

/* ---------------------------------------------------------------------- device */

static int device_open(struct inode *inode, struct file *file)
{
	struct peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL);

	if (!peer) {
		return -ENOMEM;
	}
	INIT_LIST_HEAD(&peer->list);
	skb_queue_head_init(&peer->queue);
	mutex_init(&peer->writing);
	init_waitqueue_head(&peer->change);
	file->private_data = peer;
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct peer *peer = file->private_data;

	if (peer->cid) {
		spin_lock(&peers_lock);
		list_del_rcu(&peer->list);
		spin_unlock(&peers_lock);
		synchronize_rcu();
		vsock_for_each_connected_socket(&transport.transport, reset_orphan);
	}
	skb_queue_purge(&peer->queue);
	kfree(peer);
	return 0;
}

/* Gives a file its CID; takes peers_lock. -EINVAL, -EBUSY, -EADDRINUSE as in the interface. */
static long bind(struct peer *peer, const struct csm_ioc_vsock_bind *req)
{
	long ret = 0;

	if (req->cid <= VMADDR_CID_HOST || req->cid == VMADDR_CID_ANY || req->reserved) {
		return -EINVAL;
	}
	spin_lock(&peers_lock);
	if (peer->cid) {
		ret = -EBUSY;
	} else if (find(req->cid)) {
		ret = -EADDRINUSE;
	} else {
		WRITE_ONCE(peer->cid, req->cid);
		list_add_rcu(&peer->list, &peers);
	}
	spin_unlock(&peers_lock);
	return ret;
}

static long device_ioctl(struct file *file, unsigned int request, unsigned long arg)
{
	struct csm_ioc_vsock_bind req;

	if (request != CSM_VSOCK_IOC_BIND) {
		return -ENOTTY;
	}
	if (!capable(CAP_NET_ADMIN)) {
		return -EPERM;
	}
	if (copy_from_user(&req, (const void __user *)arg, sizeof(req))) {
		return -EFAULT;
	}
	return bind(file->private_data, &req);
}

static __poll_t device_poll(struct file *file, poll_table *table)
{
	struct peer *peer = file->private_data;
	__poll_t ret = 0;

	poll_wait(file, &peer->change, table);
	if (!skb_queue_empty_lockless(&peer->queue)) {
		ret |= EPOLLIN | EPOLLRDNORM;
	}
	if (READ_ONCE(peer->answers) < ANSWERS_MOST) {
		ret |= EPOLLOUT | EPOLLWRNORM;
	}
	return ret;
}

/* The next packet; waits for it unless the file does not block. A negative errno as pointer. */
static struct sk_buff *next_packet(struct peer *peer, bool block)
{
	struct sk_buff *skb = take(peer);
	int ret = -EAGAIN;

	if (!skb && block) {
		ret = wait_event_interruptible(peer->change, (skb = take(peer)) != NULL);
	}
	return skb ? skb : ERR_PTR(ret);
}

static void after_read(struct peer *peer)
{
	smp_mb(); /* pairs with is_full() */
	if (READ_ONCE(peer->is_full) && READ_ONCE(peer->bytes) < QUEUE_MOST / 2) {
		WRITE_ONCE(peer->is_full, false);
		vsock_for_each_connected_socket(&transport.transport, wake_sender);
	}
	wake_up_interruptible(&peer->change);
}

/* One packet. A fault of the program's buffer loses it, and with it the byte stream: -EFAULT. */
static ssize_t device_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct peer *peer = iocb->ki_filp->private_data;
	struct sk_buff *skb;
	size_t size;
	ssize_t ret = -EFAULT;

	if (!READ_ONCE(peer->cid)) {
		return -ENOTCONN;
	}
	if (iov_iter_count(to) < CSM_VSOCK_PACKET) {
		return -EINVAL;
	}
	skb = next_packet(peer, !(iocb->ki_filp->f_flags & O_NONBLOCK));
	if (IS_ERR(skb)) {
		return PTR_ERR(skb);
	}
	size = skb->len;
	if (copy_to_iter(virtio_vsock_hdr(skb), CSM_VSOCK_HEADER, to) == CSM_VSOCK_HEADER &&
	    (size == 0 || skb_copy_datagram_iter(skb, 0, to, size) == 0)) {
		ret = CSM_VSOCK_HEADER + size;
	}
	virtio_transport_consume_skb_sent(skb, true);
	after_read(peer);
	return ret;
}

/* A private copy of a packet of the peer, with the CIDs that it has here. */
static struct sk_buff *copy_packet(struct peer *peer, struct iov_iter *from)
{
	size_t size = iov_iter_count(from);
	struct virtio_vsock_hdr *header;
	struct sk_buff *skb;

	if (size < CSM_VSOCK_HEADER || size > CSM_VSOCK_PACKET) {
		return ERR_PTR(-EINVAL);
	}
	skb = virtio_vsock_alloc_skb(size, GFP_KERNEL);
	if (!skb) {
		return ERR_PTR(-ENOMEM);
	}
	size -= CSM_VSOCK_HEADER;
	header = virtio_vsock_hdr(skb);
	virtio_vsock_skb_put(skb, size);
	if (!copy_from_iter_full(header, CSM_VSOCK_HEADER, from) ||
	    (size && skb_copy_datagram_from_iter(skb, 0, from, size))) {
		kfree_skb(skb);
		return ERR_PTR(-EFAULT);
	}
	if (le32_to_cpu(header->len) != size) {
		kfree_skb(skb);
		return ERR_PTR(-EINVAL);
	}
	header->src_cid = cpu_to_le64(peer->cid);
	header->dst_cid = cpu_to_le64(VMADDR_CID_HOST);
	return skb;
}

/* Delivers one packet of the peer; takes `writing`, so that its answers are counted as such. */
static ssize_t device_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct peer *peer = iocb->ki_filp->private_data;
	size_t size = iov_iter_count(from);
	struct sk_buff *skb;

	if (!READ_ONCE(peer->cid)) {
		return -ENOTCONN;
	}
	if (READ_ONCE(peer->answers) >= ANSWERS_MOST) {
		return -EAGAIN;
	}
	skb = copy_packet(peer, from);
	if (IS_ERR(skb)) {
		return PTR_ERR(skb);
	}
	mutex_lock(&peer->writing);
	WRITE_ONCE(peer->writer, current);
	virtio_transport_deliver_tap_pkt(skb);
	virtio_transport_recv_pkt(&transport, skb, NULL);
	WRITE_ONCE(peer->writer, NULL);
	mutex_unlock(&peer->writing);
	return size;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.poll = device_poll,
	.read_iter = device_read,
	.write_iter = device_write,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "csm-vsock",
	.fops = &device_operations,
	.mode = 0600,
};

static int __init vsock_init(void)
{
	int ret = vsock_core_register(&transport.transport, VSOCK_TRANSPORT_F_H2G);

	if (ret) {
		pr_err("caec_vsock: another module provides sockets to guests: unload "
		       "vhost_vsock\n");
		return ret;
	}
	ret = misc_register(&device);
	if (ret) {
		vsock_core_unregister(&transport.transport);
	}
	return ret;
}

static void __exit vsock_exit(void)
{
	misc_deregister(&device);
	vsock_core_unregister(&transport.transport);
}

module_init(vsock_init);
module_exit(vsock_exit);
MODULE_DESCRIPTION("AF_VSOCK sockets between realms that share memory");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
